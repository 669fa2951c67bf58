import gradientSource from '../../shaders/ops/activated_gradient.wgsl';
import { storedKernel, storedType } from '../tensor/stored.js';
import type { Tensor } from '../tensor/tensor.js';
import { numberFrom, positive } from '../util/argument.js';

const GRADIENT = storedKernel({ name: 'activated gradient', source: gradientSource });

/** The largest that is stored: it stands for no limit, and for one that lies beyond. */
const LARGEST = { f32: 3.4e38, f16: 65504 };

/** What an operation does with its result x before it stores it: x for x > 0, else slope · x, but at most the limit. */
export interface Activation {
  /** 0: ReLU. Not negative: the result must tell where x was. */
  slope: number;
  /** Default: none. 6 with a slope of 0: ReLU6. */
  limit?: number;
}

/** @throws InputError for a slope that is negative, or a limit that is not positive */
export function assertActivation({ slope, limit }: Activation): void {
  numberFrom(0)('activation.slope', slope);
  if (limit !== undefined) positive('activation.limit', limit);
}

/** The constants of kernels that include shaders/ops/activated.wgsl. */
export function activationConstants(activation: Activation | undefined): Record<string, number> {
  if (!activation) return {};
  const { slope, limit } = activation;
  return limit === undefined ? { SLOPE: slope } : { SLOPE: slope, LIMIT: limit };
}

/** The gradient that flows into x, a new tensor of the type of both. At 0 it is slope · incoming, at the limit 0. @param result the operation's */
export function activationGradient(
  incoming: Tensor,
  result: Tensor,
  { slope, limit = LARGEST.f32 }: Activation,
): Tensor {
  const { device, shape, size, type } = result;
  const gradient = device.empty(shape, type);
  const count = Math.ceil(size / 4);
  device.run({
    kernel: GRADIENT(result, incoming),
    bindings: { result: result.range4, incoming: incoming.range4, gradient: gradient.range4 },
    params: { count, slope, limit: Math.min(limit, LARGEST[storedType(type)]) },
    invocations: count,
  });
  return gradient;
}
