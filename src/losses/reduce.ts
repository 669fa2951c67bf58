import source from '../../shaders/losses/reduce.wgsl';
import type { Tensor } from '../tensor/tensor.js';

const REDUCE = { name: 'reduce', source };

/** Values of a workgroup in the first stage: 16 an invocation. */
const CHUNK = 4096;

/** The sum of all elements as a new scalar tensor; 0 for none. Two stages in a fixed order: always the same bits. */
export function sum(values: Tensor): Tensor {
  const { device, size } = values;
  if (size === 0) return device.zeros([]);
  if (size <= CHUNK) return chunkSums(values, size, []);
  const partial = chunkSums(values, CHUNK, [Math.ceil(size / CHUNK)]);
  const total = chunkSums(partial, partial.size, []);
  partial.dispose();
  return total;
}

function chunkSums(values: Tensor, chunk: number, shape: number[]): Tensor {
  const sums = values.device.empty(shape);
  values.device.run({
    kernel: REDUCE,
    bindings: { values: values.range, sums: sums.range },
    params: { count: values.size, chunk },
    workgroups: [sums.size, 1, 1],
  });
  return sums;
}
