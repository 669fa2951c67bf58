import source from '../../shaders/ops/strided_copy.wgsl';
import type { Tensor } from '../tensor/tensor.js';
import { merged, table, type Walk } from './dimensions.js';

const COPY = { name: 'strided copy', source };

/** Which elements are copied: `walks` with the steps in the input and in the output. */
export interface CopyPlan {
  walks: readonly Walk[];
  /** The first element read; default 0. */
  firstIn?: number;
  /** The first element written; default 0. */
  firstOut?: number;
  /** Factor of what is copied; default 1. */
  scale?: number;
}

/**
 * Copies elements between tensors, each dimension with a step of its own in either.
 * @param name of the operation, for errors
 */
export function stridedCopy(
  name: string,
  input: Tensor,
  output: Tensor,
  { walks, firstIn = 0, firstOut = 0, scale = 1 }: CopyPlan,
): void {
  const dimensions = merged(name, walks);
  const count = dimensions.reduce((product, { extent }) => product * extent, 1);
  if (count === 0) return;
  output.device.run({
    kernel: COPY,
    constants: { DIMENSIONS: Math.max(1, dimensions.length) },
    bindings: { input: input.range, output: output.range },
    params: {
      count,
      first_in: firstIn,
      first_out: firstOut,
      scale,
      extents: table(
        dimensions.map(({ extent }) => extent),
        1,
      ),
      in_steps: table(
        dimensions.map(({ steps }) => steps[0]),
        0,
      ),
      out_steps: table(
        dimensions.map(({ steps }) => steps[1]),
        0,
      ),
    },
    invocations: count,
  });
}
