import { brief } from '../util/brief.js';
import { InputError } from '../util/error.js';
import type { Recipe } from './recipe.js';

/**
 * The factor of every distillation term in a step, as `recipe.distillation` says: for `HeadLoss.evaluate({ distillation })`.
 * Cosine from 1 to `end` as in YOLOv6 (`loss_distill.py`) and DAMO-YOLO, off at the end as in RTMDet's configurations.
 * @param step from 0
 * @param total steps of the whole training
 * @throws InputError for steps that are no such numbers
 */
export function distillationAt({ distillation }: Pick<Recipe, 'distillation'>, step: number, total: number): number {
  if (!Number.isInteger(total) || total < 1)
    throw new InputError(`total: ${brief(total)}; expected a number of steps.`);
  if (!Number.isInteger(step) || step < 0 || step >= total) {
    throw new InputError(`step: ${brief(step)}; expected an integer from 0 to ${total - 1}.`);
  }
  const { schedule, end, warmup, off } = distillation;
  if (step >= total * (1 - off)) return 0;
  const rise = Math.min(1, (step + 1) / (warmup * total));
  return rise * (schedule === 'cosine' ? end + (1 - end) * 0.5 * (1 + Math.cos((Math.PI * step) / total)) : 1);
}
