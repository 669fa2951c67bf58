import source from '../../shaders/ops/matmul.wgsl';
import softmaxSource from '../../shaders/ops/softmax_axis.wgsl';
import softmaxGradientSource from '../../shaders/ops/softmax_axis_gradient.wgsl';
import { Variable } from '../autograd/variable.js';
import { MAX_WORKGROUPS } from '../gpu/launch.js';
import type { Tensor } from '../tensor/tensor.js';
import { InputError } from '../util/error.js';
import { broadcastShape, broadcastSteps } from './binary.js';
import { axisOf, MAX_DIMENSIONS, merged } from './dimensions.js';
import { inSingle } from './inSingle.js';
import { reduceSum } from './reduceSum.js';

const PRODUCT = { name: 'matrix product', source };
const SOFTMAX = { name: 'softmax', source: softmaxSource };
const SOFTMAX_GRADIENT = { name: 'softmax gradient', source: softmaxGradientSource };

/** As in the kernel. */
const TILE_SIDE = 16;

interface Operand {
  tensor: Tensor;
  shape: readonly number[];
  transposed?: boolean;
}

/**
 * Products of matrices, […, M, K] by […, K, N] to […, M, N]; what is in front is broadcast as in NumPy.
 * @throws InputError when an operand has less than two dimensions, or the shapes do not fit
 */
export function matMul(a: Variable, b: Variable): Variable {
  const [left, right] = [a.value.shape, b.value.shape];
  for (const [name, shape] of Object.entries({ a: left, b: right })) {
    if (shape.length < 2) throw new InputError(`${name}: shape [${shape}]; expected at least two dimensions.`);
  }
  if (left[left.length - 1] !== right[right.length - 2]) {
    throw new InputError(`matMul: shapes [${left}] and [${right}]; the rows of b are not as many as the columns of a.`);
  }
  const outer = broadcastShape('matMul', left.slice(0, -2), right.slice(0, -2));
  return inSingle([a, b], ([wideA, wideB]) => multiplied(outer, wideA, wideB));
}

/** `matMul` of operands of f32 that fit. */
function multiplied(outer: readonly number[], a: Variable, b: Variable): Variable {
  const [left, right] = [a.value.shape, b.value.shape];
  const first = { tensor: a.value, shape: left };
  const second = { tensor: b.value, shape: right };
  const output = product(outer, first, second);
  return Variable.from(output, [a, b], (incoming) => {
    const arrived = { tensor: incoming, shape: output.shape };
    return [
      a.requiresGradient ? summedTo(product(outer, arrived, { ...second, transposed: true }), left) : null,
      b.requiresGradient ? summedTo(product(outer, { ...first, transposed: true }, arrived), right) : null,
    ];
  });
}

/** exp(x) / Σ exp(x) along an axis; −1 is the last. @throws InputError when x has no such axis */
export function softmaxAxis(x: Variable, axis: number): Variable {
  const along = axisOf('axis', axis, x.value.shape.length);
  return inSingle([x], ([wide]) => shares(wide, along));
}

/** `softmaxAxis` of f32. */
function shares(x: Variable, along: number): Variable {
  const { device, shape, size } = x.value;
  const step = shape.slice(along + 1).reduce((total, extent) => total * extent, 1);
  const params = { count: size === 0 ? 0 : size / shape[along], extent: shape[along], step };
  const output = device.empty(shape);
  device.run({
    kernel: SOFTMAX,
    bindings: { input: x.value.range, output: output.range },
    params,
    invocations: params.count,
  });
  return Variable.from(output, [x], (incoming) => {
    const gradient = device.empty(shape);
    device.run({
      kernel: SOFTMAX_GRADIENT,
      bindings: { shares: output.range, incoming: incoming.range, gradient: gradient.range },
      params,
      invocations: params.count,
    });
    return [gradient];
  });
}

/** A new tensor `[…outer, rows, columns]`. */
function product(outer: readonly number[], left: Operand, right: Operand): Tensor {
  const [a, b] = [left, right].map(({ shape, transposed = false }) => {
    const [height, width] = shape.slice(-2);
    const area = height * width;
    const steps = broadcastSteps(shape.slice(0, -2), outer).map((step) => step * area);
    return transposed
      ? { steps, rows: width, columns: height, row: 1, column: width }
      : { steps, rows: height, columns: width, row: width, column: 1 };
  });
  const { device } = left.tensor;
  const output = device.empty([...outer, a.rows, b.columns]);
  if (output.size === 0) return output;
  const walks = merged(
    'matMul',
    outer.map((extent, d) => ({ extent, steps: [a.steps[d], b.steps[d]] })),
  );
  const batch = walks.reduce((total, { extent }) => total * extent, 1);
  device.run({
    kernel: PRODUCT,
    constants: { OUTER: Math.max(1, walks.length) },
    bindings: { left: left.tensor.range, right: right.tensor.range, output: output.range },
    params: {
      rows: a.rows,
      columns: b.columns,
      inner: a.columns,
      left_row: a.row,
      left_column: a.column,
      right_row: b.row,
      right_column: b.column,
      batch,
      outer: Array.from({ length: MAX_DIMENSIONS }, (_, d) => {
        const { extent, steps } = walks[d] ?? { extent: 1, steps: [0, 0] };
        return [extent, ...steps, 0];
      }).flat(),
    },
    workgroups: [Math.ceil(b.columns / TILE_SIDE), Math.ceil(a.rows / TILE_SIDE), Math.min(batch, MAX_WORKGROUPS)],
  });
  return output;
}

/** Sums an operand's gradient over what it was broadcast along. Takes `whole` over. */
function summedTo(whole: Tensor, shape: readonly number[]): Tensor {
  if (whole.size === shape.reduce((total, extent) => total * extent, 1)) return whole;
  const missing = whole.shape.length - shape.length;
  const summed = whole.shape.map((extent, d) => d < missing || (shape[d - missing] === 1 && extent !== 1));
  const total = reduceSum('matMul', whole, summed, shape, 1);
  whole.dispose();
  return total;
}
