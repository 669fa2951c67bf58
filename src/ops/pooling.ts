import averageSource from '../../shaders/ops/average_pool2d.wgsl';
import averageGradientSource from '../../shaders/ops/average_pool2d_gradient.wgsl';
import maxSource from '../../shaders/ops/max_pool2d.wgsl';
import maxGradientSource from '../../shaders/ops/max_pool2d_gradient.wgsl';
import maxIndexSource from '../../shaders/ops/max_pool2d_index.wgsl';
import { emptyLike } from '../autograd/sum.js';
import { Variable } from '../autograd/variable.js';
import { storedKernel } from '../tensor/stored.js';
import { InputError } from '../util/error.js';
import { axisOf, stepsOf } from './dimensions.js';
import { inSingle } from './inSingle.js';
import { reduceSum } from './reduceSum.js';
import { stridedCopy } from './stridedCopy.js';

const MAX = storedKernel({ name: 'maximum of windows', source: maxSource });
const MAX_INDEX = storedKernel({ name: 'maximum of windows, its element', source: maxIndexSource });
const MAX_GRADIENT = storedKernel({ name: 'maximum of windows, gradient', source: maxGradientSource });
const AVERAGE = storedKernel({ name: 'mean of windows', source: averageSource });
const AVERAGE_GRADIENT = storedKernel({ name: 'mean of windows, gradient', source: averageGradientSource });

/** The windows of a pooling. */
export interface PoolOptions {
  /** [height, width] of a window. */
  kernel: readonly number[];
  /** [down, right] */
  strides: readonly number[];
  /** Cells [above, left, below, right] of the map; each window sees a cell of it. */
  pads: readonly number[];
}

/**
 * Maximum over windows, [B, C, H, W] to [B, C, ⌊(H + above + below − kh) / stride⌋ + 1, likewise]. Where several inputs of a window
 * are equal, the first in row-major order has the gradient.
 * @throws InputError when x is no [B, C, H, W] or the windows do not fit
 */
export function maxPool2d(x: Variable, options: PoolOptions): Variable {
  const { device, shape, size, type } = x.value;
  const params = windowsOf(shape, options);
  const output = device.empty([shape[0], shape[1], params.out_height, params.out_width], type);
  const count = output.size;
  device.run({
    kernel: MAX(x.value),
    bindings: { input: x.value.range, output: output.range },
    params: { ...params, count },
    invocations: count,
  });
  return Variable.from(output, [x], (incoming) => {
    // Found again, since kept they would take as much memory as the output.
    const found = device.empty([count], 'u32');
    device.run({
      kernel: MAX_INDEX(x.value),
      bindings: { input: x.value.range, output: found.range },
      params: { ...params, count },
      invocations: count,
    });
    const gradient = emptyLike(x.value);
    device.run({
      kernel: MAX_GRADIENT(incoming, gradient),
      bindings: { found: found.range, incoming: incoming.range, gradient: gradient.range },
      params: { ...params, count: size },
      invocations: size,
    });
    found.dispose();
    return [gradient];
  });
}

/**
 * Mean over windows; shapes as of `maxPool2d`.
 * @param options `countIncludePad`: over all cells of a window, 0 beyond the map; otherwise over those in the map
 * @throws InputError when x is no [B, C, H, W] or the windows do not fit
 */
export function averagePool2d(x: Variable, options: PoolOptions & { countIncludePad: boolean }): Variable {
  const { device, shape, size, type } = x.value;
  const params = windowsOf(shape, options);
  const output = device.empty([shape[0], shape[1], params.out_height, params.out_width], type);
  const constants = { WHOLE: options.countIncludePad ? 1 : 0 };
  device.run({
    kernel: AVERAGE(x.value),
    constants,
    bindings: { input: x.value.range, output: output.range },
    params: { ...params, count: output.size },
    invocations: output.size,
  });
  return Variable.from(output, [x], (incoming) => {
    const gradient = emptyLike(x.value);
    device.run({
      kernel: AVERAGE_GRADIENT(incoming, gradient),
      constants,
      bindings: { incoming: incoming.range, gradient: gradient.range },
      params: { ...params, count: size },
      invocations: size,
    });
    return [gradient];
  });
}

/**
 * Mean over some axes.
 * @param axes −1 is the last
 * @param keepDims whether they stay, with extent 1
 * @throws InputError when x has not such axes
 */
export function reduceMean(x: Variable, axes: readonly number[], keepDims: boolean): Variable {
  const { shape, size } = x.value;
  const over = new Set(axes.map((axis, i) => axisOf(`axes[${i}]`, axis, shape.length)));
  const whole = shape.map((extent, d) => (over.has(d) ? 1 : extent));
  const result = keepDims ? whole : shape.filter((_, d) => !over.has(d));
  const scale = 1 / [...over].reduce((product, axis) => product * shape[axis], 1);
  const isSummed = shape.map((_, d) => over.has(d));
  return inSingle([x], ([wide]) => {
    const output = reduceSum('reduceMean', wide.value, isSummed, result, size === 0 ? 0 : scale);
    return Variable.from(output, [wide], (incoming) => {
      const gradient = emptyLike(wide.value);
      const [from, to] = [stepsOf(whole), stepsOf(shape)];
      const walks = shape.map((extent, d) => ({ extent, steps: [over.has(d) ? 0 : from[d], to[d]] }));
      stridedCopy('reduceMean', incoming, gradient, { walks, scale });
      return [gradient];
    });
  });
}

function windowsOf(shape: readonly number[], { kernel, strides, pads }: PoolOptions) {
  for (const [name, list, length, least] of [
    ['kernel', kernel, 2, 1],
    ['strides', strides, 2, 1],
    ['pads', pads, 4, 0],
  ] as const) {
    if (list.length === length && list.every((value) => Number.isSafeInteger(value) && value >= least)) continue;
    throw new InputError(`${name}: [${list}]; expected ${length} integers of at least ${least}.`);
  }
  if (shape.length !== 4) throw new InputError(`x: shape [${shape}]; expected [batch, channels, height, width].`);
  const [, , height, width] = shape;
  const out = [height, width].map((extent, d) =>
    Math.floor((extent + pads[d] + pads[d + 2] - kernel[d]) / strides[d] + 1),
  );
  const extents = [height, width];
  // Otherwise some windows see nothing.
  const sees = out.every((count, d) => pads[d] < kernel[d] && (count - 1) * strides[d] - pads[d] < extents[d]);
  if (!sees) throw new InputError(`pads: [${pads}] hold a whole window of [${kernel}]; give smaller ones.`);
  if (Math.min(...out) < 1) {
    throw new InputError(
      `x: maps of ${height}×${width}, with pads [${pads}], are smaller than windows of [${kernel}].`,
    );
  }
  return {
    height,
    width,
    out_height: out[0],
    out_width: out[1],
    kernel_height: kernel[0],
    kernel_width: kernel[1],
    stride_y: strides[0],
    stride_x: strides[1],
    top: pads[0],
    left: pads[1],
  };
}
