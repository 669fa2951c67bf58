import type { Device } from '../src/tensor/device.js';
import { copyOf } from './copy.js';
import { type Clock, measure, type Plan } from './measure.js';

/** Long enough that waiting for the queue, some tenths of a millisecond, is no part of the difference. */
const CHECK: Plan = { warmUps: 2, least: 5, most: 5, seconds: 0, interval: 40 };
const CHECK_BYTES = 2 ** 24;
/** Timestamps that leave out more of the time than this, or show more than there was, are not exact. */
const TOLERANCE = 0.05;

/** The clock of a device, and what speaks for it. */
export interface ChosenClock {
  clock: Clock;
  reason: string;
}

/**
 * Timestamps where they are exact: where they show of a long copy what the wall shows around it. Both clocks look at the same
 * runs; the run where they agree best counts, since on a busy machine the wall goes on while the process waits to be woken.
 */
export async function chooseClock(device: Device): Promise<ChosenClock> {
  if (!device.gpu.features.has('timestamp-query')) {
    return { clock: 'wall', reason: 'the adapter has no timestamps' };
  }
  const [samples] = await measure(device, [copyOf(device, CHECK_BYTES)], { clock: 'timestamps', plan: CHECK });
  const shares = samples.map(({ ms, wallMs }) => ms / wallMs);
  const share = shares.reduce((best, each) => (Math.abs(each - 1) < Math.abs(best - 1) ? each : best));
  const reason = `the timestamps of a long copy show ${(100 * share).toFixed(0)} % of the wall time`;
  return { clock: Math.abs(share - 1) <= TOLERANCE ? 'timestamps' : 'wall', reason };
}
