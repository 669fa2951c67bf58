import fmaSource from '../shaders/bench/fma.wgsl';
import type { Device } from '../src/tensor/device.js';
import { chooseClock } from './clock.js';
import { copyOf } from './copy.js';
import { measure, type Plan, type Work } from './measure.js';
import { summarize } from './statistics.js';

/** The most that an adapter reaches at the two things that bound kernels. */
export interface Peaks {
  /** Of multiply-adds in registers, each counting 2. */
  gigaflops: number;
  /** Of a vec4f copy, reads and writes together. */
  gigabytesPerSecond: number;
}

const FMA = { name: 'fma', source: fmaSource };
/** Chains of vec4 of an invocation, in the kernel. */
const CHAINS = 8;
const INVOCATIONS = 2 ** 16;
const COPY_BYTES = 2 ** 27;
const PLAN: Plan = { warmUps: 2, least: 5, most: 11, seconds: 2, interval: 5 };
/** The work of multiply-adds is made as long as this, milliseconds: slow adapters get few steps. */
const TARGET = 20;

/** Measures both. Data of the copy do not fit into caches of less than 64 MB. */
export async function measurePeaks(device: Device): Promise<Peaks> {
  const { clock } = await chooseClock(device);
  const result = device.keep(device.empty([4 * INVOCATIONS]));
  const work = (steps: number): Work => ({
    record: () =>
      device.run({
        kernel: FMA,
        bindings: { result: result.range4 },
        params: { steps },
        workgroups: [INVOCATIONS / 64, 1, 1],
      }),
  });
  const time = async (one: Work) => {
    const [samples] = await measure(device, [one], { clock, plan: PLAN });
    return summarize(samples.map(({ ms }) => ms)).median;
  };
  let steps = 16;
  for (let ms = await time(work(steps)); ms < TARGET / 2 && steps < 2 ** 20; ms = await time(work(steps))) {
    steps = Math.ceil(steps * Math.min(16, TARGET / ms));
  }
  const ms = await time(work(steps));
  result.dispose();
  const copyMs = await time(copyOf(device, COPY_BYTES));
  return {
    gigaflops: (2 * 4 * CHAINS * steps * INVOCATIONS) / ms / 1e6,
    gigabytesPerSecond: COPY_BYTES / copyMs / 1e6,
  };
}
