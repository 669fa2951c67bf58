import { logSoftmax, softmax } from './bins.js';

/** A loss of one row of logits and its gradient with respect to that row, both unweighted. */
export interface RowLoss {
  loss: number;
  gradient: Float64Array;
}

/** Targets end 0.1 before the last bin, so that floor(y) + 1 is a bin (reference implementation's constant). */
const LAST_BIN_MARGIN = 0.1;

/** The distance that the loss aims at: `distance` (units of stride) clamped to [0, bins - 1 - 0.1]. */
function clampTarget(distance: number, bins: number): number {
  return Math.min(Math.max(distance, 0), bins - 1 - LAST_BIN_MARGIN);
}

/**
 * Distribution focal loss of one edge (Generalized Focal Loss, eq. 6):
 * l = -(hi - y) ln p_lo - (y - lo) ln p_hi, with lo = floor(y), hi = lo + 1, y clamped as in `clampTarget`.
 * `logits` [K]; `distance` in units of stride, unclamped.
 */
export function distributionFocalLoss(logits: ArrayLike<number>, distance: number): RowLoss {
  const target = clampTarget(distance, logits.length);
  const low = Math.floor(target);
  const high = low + 1;
  const logP = logSoftmax(logits);
  const gradient = softmax(logits);
  gradient[low] -= high - target;
  gradient[high] -= target - low;
  return { loss: -(high - target) * logP[low] - (target - low) * logP[high], gradient };
}
