import source from '../../shaders/ops/reduce_sum.wgsl';
import { MAX_WORKGROUPS } from '../gpu/launch.js';
import type { Tensor } from '../tensor/tensor.js';
import { MAX_DIMENSIONS, merged, stepsOf, type Walk } from './dimensions.js';

const REDUCE = { name: 'reduce sum', source };

/**
 * scale · Σ over the `summed` axes, in a fixed order: a new tensor of `shape`, without these axes or with 1 in their place.
 * @param name of the operation, for errors
 */
export function reduceSum(
  name: string,
  input: Tensor,
  summed: readonly boolean[],
  shape: readonly number[],
  scale: number,
): Tensor {
  const { device } = input;
  const output = device.empty(shape);
  if (output.size === 0) return output;
  const steps = stepsOf(input.shape);
  const walks = input.shape.map((extent, d) => ({ extent, steps: [steps[d]] }));
  const over = merged(
    name,
    walks.filter((_, d) => summed[d]),
  );
  const kept = merged(
    name,
    walks.filter((_, d) => !summed[d]),
  );
  const rows = Math.ceil(output.size / MAX_WORKGROUPS);
  device.run({
    kernel: REDUCE,
    constants: {
      KEPT: Math.max(1, kept.length),
      SUMMED: Math.max(1, over.length),
      LANES: device.choice('reduction.workgroup'),
    },
    bindings: { input: input.range, output: output.range },
    params: {
      count: output.size,
      terms: over.reduce((product, { extent }) => product * extent, 1),
      scale,
      kept: tableOf(kept),
      summed: tableOf(over),
    },
    workgroups: [Math.ceil(output.size / rows), rows, 1],
  });
  return output;
}

function tableOf(walks: readonly Walk[]): number[] {
  return Array.from({ length: MAX_DIMENSIONS }, (_, d) => [
    walks[d]?.steps[0] ?? 0,
    walks[d]?.extent ?? 1,
    0,
    0,
  ]).flat();
}
