import type { Device } from '../src/tensor/device.js';

/** Something that can be timed as often as one likes. */
export interface Work {
  /** Records one run; tensors that it makes are given back after it. */
  record(): void;
  /** Called after each measurement, outside of the time. */
  between?(): Promise<void>;
}

/** How often a row is measured. */
export interface Plan {
  /** Measurements before those that count: kernels are compiled, memory is touched, caches filled. */
  warmUps: number;
  least: number;
  most: number;
  /** No measurement more than `least` is begun once a row has taken so long. */
  seconds: number;
  /** Short work is run several times in a measurement, so that this takes at least so many milliseconds. */
  interval: number;
}

/** A run of all rows takes under a minute on a software adapter with two cores; slower ones get fewer measurements. */
export const QUICK: Plan = { warmUps: 2, least: 5, most: 15, seconds: 1.5, interval: 5 };
export const FULL: Plan = { warmUps: 3, least: 11, most: 51, seconds: 8, interval: 20 };

/**
 * `timestamps`: on the GPU, from before the first command to after the last. `wall`: from before the first command is
 * recorded until the queue is empty.
 */
export type Clock = 'timestamps' | 'wall';

/** One measurement, milliseconds a run. */
export interface Sample {
  /** By the clock that was asked for. */
  ms: number;
  wallMs: number;
  /** Of the whole process: on a software adapter this is the work done, whatever else the machine does. */
  cpuMs: number;
}

/**
 * Times several works in turn (A B A B …), so that what disturbs one disturbs the others too.
 * @returns the samples of each work
 */
export async function measure(
  device: Device,
  works: readonly Work[],
  { clock, plan }: { clock: Clock; plan: Plan },
): Promise<Sample[][]> {
  const repeats: number[] = [];
  for (const work of works) repeats.push(await warmUp(device, work, { clock, plan }));
  const samples: Sample[][] = works.map(() => []);
  const start = performance.now();
  for (let run = 0; run < plan.most; run++) {
    if (run >= plan.least && performance.now() - start > 1000 * plan.seconds) break;
    for (const [index, work] of works.entries()) {
      samples[index].push(await sampleOf(device, work, clock, repeats[index]));
    }
  }
  return samples;
}

const MAX_REPEATS = 64;

/** Runs a work before it is timed. @returns how often it is to be run in a measurement */
async function warmUp(device: Device, work: Work, { clock, plan }: { clock: Clock; plan: Plan }): Promise<number> {
  let warm = 0;
  for (let run = 0; run < plan.warmUps; run++) warm = (await sampleOf(device, work, clock, 1)).wallMs;
  return Math.min(MAX_REPEATS, Math.max(1, Math.ceil(plan.interval / warm)));
}

/** Milliseconds of a run by the wall, as often as one asks: for turns with something else. */
export async function stopwatch(device: Device, work: Work, plan: Plan): Promise<() => Promise<number>> {
  const repeats = await warmUp(device, work, { clock: 'wall', plan });
  return async () => (await sampleOf(device, work, 'wall', repeats)).wallMs;
}

async function sampleOf(device: Device, work: Work, clock: Clock, repeats: number): Promise<Sample> {
  const record = () => {
    for (let run = 0; run < repeats; run++) device.tidy(() => void work.record());
  };
  await device.settled();
  const used = process.cpuUsage();
  const start = performance.now();
  let ms = 0;
  if (clock === 'timestamps') {
    ms = await device.elapsed(record);
  } else {
    record();
    await device.settled();
  }
  const wallMs = performance.now() - start;
  const { user, system } = process.cpuUsage(used);
  await work.between?.();
  return {
    ms: (clock === 'timestamps' ? ms : wallMs) / repeats,
    wallMs: wallMs / repeats,
    cpuMs: (user + system) / 1000 / repeats,
  };
}
