import { TERM_NAMES } from '../losses/headTerms.js';
import type { Grid } from '../regions/grid.js';
import { shortened } from '../util/readable.js';
import { type GoldenFile, isNumbers } from './goldenFile.js';

/** Head outputs: per level [B, C, H, W], [B, 4·bins, H, W] and, where features are imitated, [B, F, H, W]. */
export interface GoldenOutputs {
  /** Class logits, [B, C, H, W] a level. */
  cls: Float32Array[];
  /** Box logits, [B, 4·bins, H, W] a level. */
  reg: Float32Array[];
  /** Features, where the case imitates. */
  feat: Float32Array[] | null;
}

/** What a loss call gave. */
export interface GoldenLoss {
  /** Bins of an edge. */
  bins: number;
  /** Of the net that learns. */
  student: GoldenOutputs;
  /** Of the teacher. */
  teacher: GoldenOutputs;
  /** By the reference's name of the term: one value a level. */
  losses: Record<string, number[]>;
  /** The sum of the terms. */
  total: number;
  /** Of `total`, laid out as the student's outputs. */
  gradients: GoldenOutputs;
}

/** The loss of a case, with its inputs and gradients. */
export function readLoss(
  read: GoldenFile,
  { batch, classes, grid, imitates }: { batch: number; classes: number; grid: Grid; imitates: boolean },
): GoldenLoss {
  const bins = read.integer('regMax') + 1;
  const features = imitates ? read.channels('student.feat.0') : 0;
  const maps = (key: string, channels: number) =>
    grid.levels.map(({ height, width }, level) => read.tensor(`${key}.${level}`, [batch, channels, height, width]));
  const outputs = (key: string): GoldenOutputs => ({
    cls: maps(`${key}.cls`, classes),
    reg: maps(`${key}.reg`, 4 * bins),
    feat: imitates ? maps(`${key}.feat`, features) : null,
  });
  const levels = grid.levels.length;
  const losses = read.json(
    'losses',
    `for each term a list of ${levels} numbers, one a level`,
    (value): value is Record<string, number[]> =>
      typeof value === 'object' &&
      value !== null &&
      Object.values(value).every((row) => isNumbers(row) && row.length === levels),
  );
  const unknown = Object.keys(losses).find((name) => !(TERM_NAMES as readonly string[]).includes(name));
  if (unknown !== undefined)
    throw read.wrong(`metadata losses has ${shortened(unknown, 60)}`, `some of ${TERM_NAMES.join(', ')}`);
  return {
    bins,
    losses,
    total: read.number('total', -Infinity),
    student: outputs('student'),
    teacher: outputs('teacher'),
    gradients: outputs('grad'),
  };
}
