import { STATISTICS } from '../eval/averagePrecision.js';
import { InputError } from '../util/error.js';
import { alternativesOf, type Changes, distanceBetween } from './alternatives.js';
import { type Judgement, type JudgeOptions, judge } from './judge.js';
import type { OnnxMapping } from './mapping.js';
import type { OnnxNet } from './net.js';

/** Below this an average precision on a sample is no better than another: a mapping is not changed for it. */
const NOISE = 0.005;
/** Rows of the table. */
const MAX_ROWS = 12;

/** What a model finds under a mapping, in short. */
interface Trial {
  /** The fields that differ from those of the given mapping; none for the given one. */
  changes: Changes;
  /** Images that it was judged on; fewer if a part of them was enough. */
  images: number;
  /** Average precision as fractions of 1; −1 where the outputs are refused. */
  AP: number;
  AP50: number;
  AP75: number;
  /** Why the outputs are refused; null where they are not. */
  fault: string | null;
}

/** Which of a mapping's alternatives is right. */
export interface Comparison {
  given: Trial;
  /** The simplest of those that are as good as the best. */
  best: Trial;
  /** AP of the best with all classes as one; −1 if none is accepted. */
  anyClass: number;
  /** Mappings that were tried. */
  tried: number;
  /** The given one, the best, and those that differ from the best in one respect; falling AP. */
  trials: Trial[];
}

/**
 * Tries what a mapping may easily have wrong on a sample of images.
 * @throws InputError when the model cannot be run, or its tensors do not have the shapes of the mapping
 */
export async function compareAlternatives(
  net: Pick<OnnxNet, 'compute'>,
  mapping: OnnxMapping,
  options: JudgeOptions,
): Promise<Comparison> {
  const alternatives = alternativesOf(mapping);
  const mappings = alternatives.map((one) => one.mapping);
  const judgements = await judge(net, mappings, options);
  const all = alternatives.map(({ mapping, changes }, i) => {
    const judgement = judgements[i];
    return { mapping, judgement, trial: trialOf(changes, judgement) };
  });
  const [given] = all;
  if (all.every(({ trial }) => trial.fault !== null) && given.judgement instanceof InputError) throw given.judgement;
  const highest = Math.max(...all.map(({ trial }) => trial.AP));
  const best = all
    .filter(({ trial }) => trial.AP >= highest - NOISE)
    .reduce((a, b) => (countOf(b.trial) < countOf(a.trial) ? b : a));
  const isNear = (one: (typeof all)[number]) =>
    one.trial.fault === null && distanceBetween(one.mapping, best.mapping) <= 1;
  const near = all.filter((one) => one === given || isNear(one)).sort((a, b) => b.trial.AP - a.trial.AP);
  const shown = near.filter((one, i) => i < MAX_ROWS || one === given);
  return {
    given: given.trial,
    best: best.trial,
    anyClass: best.judgement instanceof InputError ? -1 : best.judgement.anyClass(),
    tried: all.length,
    trials: shown.map(({ trial }) => trial),
  };
}

function countOf({ changes }: Trial): number {
  return Object.keys(changes).length;
}

function trialOf(changes: Changes, judgement: Judgement | InputError): Trial {
  if (judgement instanceof InputError) {
    return { changes, images: 0, AP: -1, AP50: -1, AP75: -1, fault: judgement.message };
  }
  const { averagePrecision, images } = judgement;
  const [AP, AP50, AP75] = ['AP', 'AP50', 'AP75'].map((name) => averagePrecision.stats[STATISTICS.indexOf(name)]);
  return { changes, images, AP, AP50, AP75, fault: null };
}
