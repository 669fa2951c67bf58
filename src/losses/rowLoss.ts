import { one } from '../autograd/one.js';
import { emptyLike } from '../autograd/sum.js';
import { Variable } from '../autograd/variable.js';
import type { KernelDefinition, Launch } from '../gpu/launch.js';
import type { Device } from '../tensor/device.js';
import type { Tensor } from '../tensor/tensor.js';
import { assertTensor } from '../tensor/tensorArgument.js';
import { anything, oneOf, optional, options as optionsOf } from '../util/argument.js';
import { InputError } from '../util/error.js';
import { sum } from './reduce.js';
import { scaleGradient } from './scaleGradient.js';

/** How the losses of the rows become one: lossWeight · Σ_i weights_i ℓ_i / averageFactor. */
export interface RowLossOptions {
  /** [R], one a row; default 1. */
  weights?: Tensor;
  /** What the sum is divided by, a number or one element on the GPU; default 1. With 0 (an empty set) the loss is 0. */
  averageFactor?: number | Tensor;
  /** Default 1. */
  lossWeight?: number;
  /** `sum` (default): a scalar. `none`: the addends of that sum, [R]. */
  reduction?: 'sum' | 'none';
}

/** What distinguishes a loss; the kernel has one invocation a row. */
interface RowKernel {
  kernel: KernelDefinition;
  constants?: Launch['constants'];
  /** Besides `weights`, `average_factor`, `losses` and `gradient`. */
  bindings: Launch['bindings'];
  /** Besides `rows`, `weight_stride` and `scale`. */
  params?: NonNullable<Launch['params']>;
}

const REDUCTION = optionsOf({ reduction: optional(oneOf('sum', 'none')) });
/** Checks only the options' names; values are checked where they are used. */
export const anyOptions = optionsOf({ weights: anything, averageFactor: anything, lossWeight: anything });

/**
 * Runs a loss over the rows of `input`. The kernel writes the weighted losses and their gradients at once; backward is a
 * multiplication by the incoming gradient.
 * @param input [R, …], the only differentiable input
 * @throws InputError when weights or average factor do not fit
 */
export function rowLoss(input: Variable, row: RowKernel, options: RowLossOptions): Variable {
  const { averageFactor = 1, lossWeight = 1, reduction = 'sum' } = options;
  REDUCTION('options', options);
  const { device, shape } = input.value;
  const rows = shape[0];
  const weights = options.weights ?? one(device);
  if (options.weights !== undefined) assertShaped('weights', options.weights, [rows], 'one a row', device);
  const divisor = divisorOf(device, averageFactor);
  assertNumber('lossWeight', lossWeight);

  const losses = device.empty([rows]);
  const gradient = emptyLike(input.value);
  device.run({
    kernel: row.kernel,
    ...(row.constants && { constants: row.constants }),
    bindings: {
      ...row.bindings,
      weights: weights.range,
      average_factor: divisor.tensor.range,
      losses: losses.range,
      gradient: gradient.range4,
    },
    params: {
      ...row.params,
      rows,
      weight_stride: options.weights ? 1 : 0,
      scale: lossWeight / divisor.number,
    },
    invocations: rows,
  });
  if (reduction === 'none') return withGradient(losses, input, gradient);
  const total = sum(losses);
  losses.dispose();
  return withGradient(total, input, gradient);
}

/** A variable of known derivative. @param value a scalar, or [R], row by row @param gradient of the input's shape, taken over */
export function withGradient(value: Tensor, input: Variable, gradient: Tensor): Variable {
  if (!input.requiresGradient) gradient.dispose();
  return Variable.from(value, [input], (incoming) => {
    if (incoming === one(gradient.device)) return [gradient];
    scaleGradient(gradient, incoming, { perRow: value.shape.length > 0 });
    return [gradient];
  });
}

/** @throws InputError when it is no f32 tensor of the shape, on the device; `meaning` says what the shape is */
export function assertShaped(
  name: string,
  tensor: unknown,
  shape: readonly number[],
  meaning: string,
  device?: Device,
): asserts tensor is Tensor {
  assertTensor(name, tensor, { type: 'any', ...(device && { device }) });
  if (tensor.type !== 'f32' || tensor.shape.join() !== shape.join()) {
    throw new InputError(
      `${name}: a ${tensor.type} tensor of shape [${tensor.shape}]; expected f32 of shape [${shape}] (${meaning}).`,
    );
  }
}

/** The columns of logits. @throws InputError when it is no f32 tensor [rows, columns] of at least `least` columns, on the device */
export function columnsOf(name: string, tensor: Tensor, least: number, device?: Device): number {
  assertTensor(name, tensor, { type: 'any', ...(device && { device }) });
  const { type, shape } = tensor;
  if (type !== 'f32' || shape.length !== 2 || shape[1] < least) {
    throw new InputError(
      `${name}: a ${type} tensor of shape [${shape}]; expected f32 rows [R, K] with K of at least ${least}.`,
    );
  }
  return shape[1];
}

/** @throws InputError when the value is not finite, or not greater than `above` */
export function assertNumber(name: string, value: number, above = Number.NEGATIVE_INFINITY): void {
  if (!Number.isFinite(value) || value <= above) {
    const bound = Number.isFinite(above) ? ` greater than ${above}` : '';
    throw new InputError(`${name}: ${value}; expected a finite number${bound}.`);
  }
}

/**
 * An average factor as a divisor for kernels, one element, and one for the host; one of them is 1. A number of 0 becomes infinity: an empty
 * set has no loss.
 * @throws InputError when it is a negative number or a tensor that is not one f32 element
 */
export function divisorOf(device: Device, averageFactor: number | Tensor): { tensor: Tensor; number: number } {
  if (typeof averageFactor === 'number') {
    if (!Number.isFinite(averageFactor) || averageFactor < 0) {
      throw new InputError(`averageFactor: ${averageFactor}; expected a finite number, 0 or more.`);
    }
    return { tensor: one(device), number: averageFactor || Number.POSITIVE_INFINITY };
  }
  assertTensor('averageFactor', averageFactor, { type: 'any', device });
  if (averageFactor.size !== 1 || averageFactor.type !== 'f32') {
    throw new InputError(
      `averageFactor: a ${averageFactor.type} tensor of shape [${averageFactor.shape}]; expected one f32 element.`,
    );
  }
  return { tensor: averageFactor, number: 1 };
}
