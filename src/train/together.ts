import type { Communicator } from '../mpi/communicator.js';
import type { Exchange, Parts } from '../tensor/parts.js';

/**
 * Runs the work of one of several processes: where it stops to exchange, values are read back, go over the network and are uploaded. An
 * exchange that is `later` goes on while what follows is computed, up to the next one that is not.
 * @throws what the work, the device or the network throws; the others then wait until somebody ends them
 */
export async function together<T>(parts: Parts<T>, ranks: Communicator): Promise<T> {
  const started: Promise<void>[] = [];
  // All ranks make their calls in the same order, whichever values come from the GPU first.
  let last: Promise<void> = Promise.resolve();
  try {
    for (;;) {
      const part = parts.next();
      if (part.done) return part.value;
      last = exchange(part.value, ranks, last);
      last.catch(() => undefined);
      started.push(last);
      if (!part.value.later) await Promise.all(started.splice(0));
    }
  } finally {
    parts.return(undefined as T);
  }
}

async function exchange({ own, how, take }: Exchange, ranks: Communicator, before: Promise<void>): Promise<void> {
  const values = (await own.read()) as Float32Array;
  await before;
  take(how === 'sum' ? [await ranks.sum(values)] : await ranks.gather(values), ranks.rank);
}
