import source from '../../shaders/losses/scale_gradient.wgsl';
import type { Tensor } from '../tensor/tensor.js';

const SCALE = { name: 'scale gradient', source };

/**
 * gradient *= factors, in place.
 * @param factors one element, or with `perRow` one for each of as many rows
 */
export function scaleGradient(gradient: Tensor, factors: Tensor, { perRow = false } = {}): void {
  const count = Math.ceil(gradient.size / 4);
  gradient.device.run({
    kernel: SCALE,
    constants: { ROW_LENGTH: perRow ? gradient.size / Math.max(1, factors.size) : 0 },
    bindings: { incoming: factors.range, gradient: gradient.range4 },
    params: { count, rows: factors.size },
    invocations: count,
  });
}
