import source from '../../shaders/ops/resize.wgsl';
import gradientSource from '../../shaders/ops/resize_gradient.wgsl';
import { emptyLike } from '../autograd/sum.js';
import { Variable } from '../autograd/variable.js';
import { storedKernel } from '../tensor/stored.js';
import { integer, oneOf, options as optionsOf } from '../util/argument.js';
import { InputError } from '../util/error.js';

const FORWARD = storedKernel({ name: 'resize', source });
const BACKWARD = storedKernel({ name: 'resize gradient', source: gradientSource });

/** What `resize2d` does, as the attributes of ONNX's Resize say it. */
export interface ResizeOptions {
  /** Rows of the result. */
  height: number;
  /** Columns of the result. */
  width: number;
  /** The nearest cell, or the two about the position along each axis. */
  mode: 'nearest' | 'linear';
  /** How a cell of the result maps to a position of the source. */
  coordinates: 'half_pixel' | 'pytorch_half_pixel' | 'align_corners' | 'asymmetric';
  /** Which neighbour `nearest` takes; the `prefer` ones the nearer, at a tie the lower or the higher. */
  nearest: 'floor' | 'ceil' | 'round_prefer_floor' | 'round_prefer_ceil';
}

const ROUNDINGS = ['floor', 'ceil', 'round_prefer_floor', 'round_prefer_ceil'] as const;
/** Positions fit the kernels' whole numbers up to it. */
const MAX_SIZE = 16_384;

const OPTIONS = optionsOf({
  height: integer(1, MAX_SIZE),
  width: integer(1, MAX_SIZE),
  mode: oneOf('nearest', 'linear'),
  coordinates: oneOf('half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric'),
  nearest: oneOf(...ROUNDINGS),
});

/**
 * Maps of another size, [B, C, H, W] to [B, C, height, width], as ONNX's Resize for sizes, its scale the ratio of the sizes; positions beyond
 * the map are at its edge.
 * @throws InputError when x is no [B, C, H, W] or an option is none of its values
 */
export function resize2d(x: Variable, options: ResizeOptions): Variable {
  OPTIONS('options', options);
  const { device, shape, size, type } = x.value;
  if (shape.length !== 4 || size === 0 || Math.max(shape[2], shape[3]) > MAX_SIZE) {
    throw new InputError(`x: shape [${shape}]; expected [batch, channels, height, width], sides up to ${MAX_SIZE}.`);
  }
  const { height, width, mode, coordinates, nearest } = options;
  const [batch, channels, ...from] = shape;
  const output = device.empty([batch, channels, height, width], type);
  const constants = { LINEAR: mode === 'linear' ? 1 : 0, NEAREST: ROUNDINGS.indexOf(nearest) };
  const axes = [axisOf(coordinates, from[0], height), axisOf(coordinates, from[1], width)].flat();
  const params = { out_height: height, out_width: width, axes };
  device.run({
    kernel: FORWARD(x.value),
    constants,
    bindings: { input: x.value.range, output: output.range },
    params: { ...params, count: output.size },
    invocations: output.size,
  });
  return Variable.from(output, [x], (incoming) => {
    const gradient = emptyLike(x.value);
    device.run({
      kernel: BACKWARD(incoming, gradient),
      constants,
      bindings: { incoming: incoming.range, gradient: gradient.range },
      params: { ...params, count: size },
      invocations: size,
    });
    return [gradient];
  });
}

/** (a, b, c, cells): output cell d is at (a d + b) / c of the source, by the formulas of ONNX's Resize for a scale `to / from`. */
function axisOf(coordinates: ResizeOptions['coordinates'], from: number, to: number): number[] {
  if (coordinates === 'asymmetric') return [from, 0, to, from];
  // A single cell is at the first.
  if (to === 1 && coordinates !== 'half_pixel') return [0, 0, 1, from];
  if (coordinates === 'align_corners') return [from - 1, 0, to - 1, from];
  return [2 * from, from - to, 2 * to, from];
}
