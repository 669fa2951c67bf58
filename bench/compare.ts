/** Compares a row of two programs that take turns: this checkout and another commit (bench/against.js). */
import { table } from '../src/cli/table.js';
import type { AdapterPreference } from '../src/gpu/adapter.js';
import { type Peer, RunningPeer } from './peers/index.js';
import { summarize } from './statistics.js';

/** Processes of each side, one after another: what a process has luck with, such as where its memory lies, is the same in all its turns. */
const ROUNDS = 3;
/** Neighbouring turns a round: at least, and at most where they are short. */
const LEAST = 7;
const MOST = 41;
/** Milliseconds of a round after which no pair beyond the least is begun. */
const PATIENCE = 8000;
/** How many times as long a row may take. */
const LIMIT = 1.03;
/** Chance of so many slow pairs where a slow pair is as likely as a fast one; below it they are no noise. */
const CHANCE = 0.01;

/** Milliseconds of neighbouring turns. */
export interface Pair {
  own: number;
  other: number;
}

/** A row of both sides. */
export interface Comparison {
  row: string;
  /** Medians of the milliseconds. */
  own: number;
  other: number;
  /** Median of how many times as long as its neighbour a turn of this checkout takes, and half the interquartile range. */
  ratio: number;
  spread: number;
  /** Pairs in which it takes more than 3 % longer, and all of them. */
  slowPairs: number;
  pairs: number;
  /** Whether the row is more than 3 % slower and not by chance. */
  isSlower: boolean;
}

/**
 * A row is slower where the median ratio is above 1.03 and so many pairs are above it that a fair coin would give as many in fewer than
 * 1 of 100 series (sign test). It asks nothing of how the times are distributed, and a turn that something disturbed is one vote.
 */
export function judge(row: string, pairs: readonly Pair[]): Comparison {
  const ratios = pairs.map(({ own, other }) => own / other);
  const { median: ratio, spread } = summarize(ratios);
  const slowPairs = ratios.filter((each) => each > LIMIT).length;
  return {
    row,
    own: summarize(pairs.map(({ own }) => own)).median,
    other: summarize(pairs.map(({ other }) => other)).median,
    ratio,
    spread,
    slowPairs,
    pairs: pairs.length,
    isSlower: ratio > LIMIT && chanceOf(slowPairs, pairs.length) < CHANCE,
  };
}

/** The chance that a fair coin, thrown so often, shows heads at least `heads` times. */
function chanceOf(heads: number, throws: number): number {
  let ways = 1;
  let sum = 0;
  for (let count = 0; count <= throws; count++) {
    if (count >= heads) sum += ways;
    ways *= (throws - count) / (count + 1);
  }
  return sum / 2 ** throws;
}

/** What is compared. */
export interface Sides {
  own: Peer['command'];
  other: Peer['command'];
  adapter: AdapterPreference;
  rows: readonly string[];
  /** Is told what happens, and of a row that a side has not. */
  progress(text: string): void;
}

/** Lets both sides take turns. @throws Error where a side does not start, or neither has a row */
export async function compare({ own, other, adapter, rows, progress }: Sides): Promise<Comparison[]> {
  const pairs = new Map<string, Pair[]>();
  for (let round = 1; round <= ROUNDS; round++) {
    const [ownSide, otherSide] = await startBoth(own, other, adapter);
    try {
      if (round === 1) progress(`${adapter}: ${ownSide.library}`);
      for (const row of rows) {
        const missing = [ownSide, otherSide].filter((side) => !side.rows.has(row));
        if (missing.length === 2) throw new Error(`no row is named ${row}; there are ${[...ownSide.rows].join(', ')}.`);
        if (missing.length === 1) {
          if (round === 1) progress(`${row} is left out: ${missing[0].name} has no such row`);
          continue;
        }
        progress(`${row}, round ${round} of ${ROUNDS}`);
        const found = await takePairs(
          () => ownSide.turn(row),
          () => otherSide.turn(row),
        );
        pairs.set(row, [...(pairs.get(row) ?? []), ...found]);
      }
    } finally {
      await Promise.all([ownSide.stop(), otherSide.stop()]);
    }
  }
  return [...pairs].map(([row, each]) => judge(row, each));
}

async function startBoth(own: Peer['command'], other: Peer['command'], adapter: AdapterPreference) {
  const ownSide = await RunningPeer.start({ name: 'this checkout', command: own }, adapter);
  try {
    return [ownSide, await RunningPeer.start({ name: 'the other commit', command: other }, adapter)] as const;
  } catch (error) {
    await ownSide.stop();
    throw error;
  }
}

/** Ours, theirs, theirs, ours …: who comes first changes, so that what drifts helps both alike. The first turns prepare the row. */
export async function takePairs(own: () => Promise<number>, other: () => Promise<number>): Promise<Pair[]> {
  await own();
  await other();
  const end = performance.now() + PATIENCE;
  const pairs: Pair[] = [];
  while (pairs.length < LEAST || (pairs.length < MOST && performance.now() < end)) {
    const theirsFirst = pairs.length % 2 === 1 ? await other() : undefined;
    const ours = await own();
    pairs.push({ own: ours, other: theirsFirst ?? (await other()) });
  }
  return pairs;
}

/** The comparisons of an adapter for a terminal. */
export function formatComparisons(comparisons: readonly Comparison[], commit: string): string {
  return table([
    ['row', 'ms', `ms of ${commit}`, 'ratio', '±', 'pairs > 1.03', 'verdict'],
    ...comparisons.map(({ row, own, other, ratio, spread, slowPairs, pairs, isSlower }) => [
      row,
      own.toFixed(2),
      other.toFixed(2),
      ratio.toFixed(3),
      spread.toFixed(3),
      `${slowPairs} of ${pairs}`,
      isSlower ? 'slower' : 'not slower',
    ]),
  ]);
}
