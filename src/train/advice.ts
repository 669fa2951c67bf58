import { percent } from '../util/figures.js';
import type { LogEntry } from './logEntry.js';

const LEARNED_NOTHING_AP = 0.02;
/** From such a gain in the last quarter of a training, of AP and as a share of it, more epochs pay. */
const RISING = { ap: 0.01, share: 0.1 };

/** Share of a training's steps from which on a warm-up takes too much of it, and the share to take. */
const WARM_UP = { most: 0.5, fit: 0.1 };

/** What advice depends on besides the log. */
export interface AdviceContext {
  /** Whether a net was given that had learned before. */
  isGiven: boolean;
  /** Of the whole training. */
  steps: number;
  /** Steps until the learning rate is reached. */
  warmupSteps: number;
}

/** One line where a training was mostly warm-up, or its AP is near zero or was still rising; else, or without evaluations, null. */
export function adviceOn(log: readonly LogEntry[], { isGiven, steps, warmupSteps }: AdviceContext): string | null {
  const evaluated = log.flatMap(({ epoch, evaluation }) => (evaluation ? [{ epoch, ap: evaluation.AP }] : []));
  const last = evaluated.at(-1);
  if (!last || last.ap < 0) return null;
  const isMostlyWarmUp = warmupSteps > WARM_UP.most * steps;
  const shorter = `--warmup-steps ${Math.ceil(WARM_UP.fit * steps)}`;
  const longer = (times: number) => `train longer (--epochs ${times * last.epoch})`;
  if (last.ap < LEARNED_NOTHING_AP) {
    const start = isGiven
      ? 'see whether mapping and classes are right (edgewise evaluate MODEL.onnx DATA --mapping FILE), let it learn faster (--learning-rate, --freeze)'
      : 'start from a trained net (--init, or --student with an ONNX model), see whether the anchors fit the objects (edgewise regions)';
    return `AP is still ${percent(last.ap)} after ${last.epoch} ${last.epoch === 1 ? 'epoch' : 'epochs'}: ${longer(3)}, ${isMostlyWarmUp ? `give a shorter warm-up (${shorter}), ` : ''}${start}, or begin with fewer classes.`;
  }
  if (isMostlyWarmUp) {
    return `The learning rate was still rising for ${Math.min(warmupSteps, steps)} of ${steps} steps: give a shorter warm-up (${shorter}).`;
  }
  const before = evaluated.filter(({ epoch }) => epoch <= 0.75 * last.epoch).at(-1);
  const best = Math.max(...evaluated.map(({ ap }) => ap));
  if (!before || last.ap < best || last.ap - before.ap < Math.max(RISING.ap, RISING.share * last.ap)) return null;
  return `AP was still rising, from ${percent(before.ap)} to ${percent(last.ap)} in the last ${epochs(last.epoch - before.epoch)}: ${longer(2)}.`;
}

function epochs(count: number): string {
  return count === 1 ? 'epoch' : `${count} epochs`;
}
