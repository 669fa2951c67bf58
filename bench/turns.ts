import { summarize } from './statistics.js';

/** Turns before those that count: peers compile and fill their pools. */
const WARM_UPS = 2;
const MOST = 11;
/** Milliseconds after which no further turns are begun; there is always one to warm up and one that counts. */
const PATIENCE = 20_000;

/** What the turns of edgewise and of a peer came to, by the wall. */
export interface Turns {
  /** Median milliseconds of the peer, and of edgewise in the turns between. */
  ms: number;
  ownMs: number;
  /** How many times as long as edgewise the peer takes: the median of neighbouring turns, and half the interquartile range. */
  ratio: number;
  spread: number;
  /** Of each. */
  turns: number;
}

/**
 * Lets both take turns, ours, theirs, ours, theirs …, so that what disturbs the machine disturbs both, and compares neighbours.
 * @param own milliseconds of a run of edgewise, warmed up
 * @param theirs of a peer
 */
export async function takeTurns(own: () => Promise<number>, theirs: () => Promise<number>): Promise<Turns> {
  const end = performance.now() + PATIENCE;
  const goesOn = (done: number, wanted: number) => done === 0 || (done < wanted && performance.now() < end);
  for (let turn = 0; goesOn(turn, WARM_UPS); turn++) await theirs();
  const pairs: { own: number; peer: number }[] = [];
  while (goesOn(pairs.length, MOST)) pairs.push({ own: await own(), peer: await theirs() });
  const { median: ratio, spread } = summarize(pairs.map(({ own, peer }) => peer / own));
  return {
    ms: summarize(pairs.map(({ peer }) => peer)).median,
    ownMs: summarize(pairs.map(({ own }) => own)).median,
    ratio,
    spread,
    turns: pairs.length,
  };
}
