import { takeGpu } from '../gpu/ownGpu.js';
import type { Communicator } from '../mpi/communicator.js';
import { launched } from '../mpi/library.js';
import { openMpi } from '../mpi/mpi.js';
import { hush } from '../util/terminal.js';
import type { Outcome } from './command.js';
import { fail } from './fail.js';

/** For so long other ranks leave the word to rank 0, which mostly meets the same fault and ends all. */
const RANK_0_FIRST_MS = 3000;

/** What a command needs to know of `--distributed` and `--json`. */
interface DistributedOptions {
  distributed?: boolean;
  json?: boolean;
}

/**
 * Runs a command in each of the processes that mpirun has started, or, without `--distributed`, in this one. Only rank 0 says how it gets on
 * and how it ended. A rank that fails says so and ends all of them.
 * @param work given the ranks; undefined in one process
 * @returns null where another rank has the word
 */
export async function distributed(
  { distributed, json = false }: DistributedOptions,
  work: (ranks?: Communicator) => Promise<Outcome>,
): Promise<Outcome | null> {
  if (!distributed) return work();
  let ranks: Communicator | undefined;
  try {
    ranks = await openMpi();
    if (ranks.rank > 0) hush();
    await takeGpu(ranks.localRank);
    const outcome = await work(ranks);
    await ranks.close();
    return ranks.rank === 0 ? outcome : null;
  } catch (error) {
    const { rank, size } = ranks ?? launched(process.env) ?? { rank: 0, size: 1 };
    if (rank > 0) await new Promise((resolve) => setTimeout(resolve, RANK_0_FIRST_MS));
    fail(error, json, size > 1 ? `rank ${rank} of ${size}: ` : '');
    ranks?.abort();
    return null;
  }
}
