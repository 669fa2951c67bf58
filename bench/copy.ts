import copySource from '../shaders/bench/copy.wgsl';
import mergeSource from '../shaders/bench/merge.wgsl';
import type { Device } from '../src/tensor/device.js';
import type { Work } from './measure.js';
import { noise } from './noise.js';

const COPY = { name: 'copy', source: copySource };
const MERGE = { name: 'copy of two', source: mergeSource };

/** A vec4f copy that reads and writes `bytes` in all: the time that memory allows any kernel that moves as many. */
export function copyOf(device: Device, bytes: number): Work {
  const count = Math.ceil(bytes / 32);
  const source = noise(device, [4 * count]);
  const copied = device.empty([4 * count]);
  return {
    record: () =>
      device.run({
        kernel: COPY,
        bindings: { source: source.range4, copied: copied.range4 },
        params: { count },
        invocations: count,
      }),
  };
}

/** The same for a kernel with two inputs and one output of `bytes` each. */
export function copyOfTwo(device: Device, bytes: number): Work {
  const count = Math.ceil(bytes / 16);
  const first = noise(device, [4 * count]);
  const second = noise(device, [4 * count]);
  const merged = device.empty([4 * count]);
  return {
    record: () =>
      device.run({
        kernel: MERGE,
        bindings: { first: first.range4, second: second.range4, merged: merged.range4 },
        params: { count },
        invocations: count,
      }),
  };
}
