import { type Communicator, type Numbers, sumInOrder } from '../../src/mpi/communicator.js';

/** Ranks within one process, for tests: every call waits until all have made it. */
export function localRanks(size: number): Communicator[] {
  const rounds: { values: Numbers[]; done: Promise<void>; resolve: () => void }[] = [];
  const meet = async (rank: number, round: number, values: Numbers): Promise<Numbers[]> => {
    if (!rounds[round]) {
      let resolve = () => {};
      const done = new Promise<void>((settle) => {
        resolve = settle;
      });
      rounds[round] = { values: [], done, resolve };
    }
    const { values: all, done, resolve } = rounds[round];
    all[rank] = values.slice();
    if (Object.keys(all).length === size) resolve();
    await done;
    if (new Set(all.map(({ length }) => length)).size > 1) throw new Error('ranks differ in what they exchange');
    return all;
  };
  return Array.from({ length: size }, (_, rank) => {
    let calls = 0;
    const gather = async <T extends Numbers>(values: T) => (await meet(rank, calls++, values)) as T[];
    return {
      rank,
      size,
      localRank: rank,
      localSize: size,
      gather,
      sum: async (values) => sumInOrder(await gather(values)),
      broadcast: async (values) => values.set((await gather(values))[0]),
      barrier: async () => void (await gather(new Float32Array(1))),
      abort: () => {
        throw new Error(`rank ${rank} ends all`);
      },
      close: async () => {},
    };
  });
}
