import { logSoftmax, softmax } from './bins.js';

/** A loss of one row of logits and its gradient with respect to that row, both unweighted. */
export interface RowLoss {
  loss: number;
  gradient: Float64Array;
}

/** Targets end 0.1 before the last bin, so that floor(y) + 1 is a bin (reference implementation's constant). */
const MARGIN = 0.1;

/**
 * Distribution focal loss of one edge (Generalized Focal Loss, eq. 6):
 * l = -(hi - y) ln p_lo - (y - lo) ln p_hi, with lo = floor(y), hi = lo + 1, y clamped to [0, K - 1 - margin].
 * `logits` [K]; `distance` in bins, unclamped.
 */
export function distributionFocalLoss(logits: ArrayLike<number>, distance: number, margin = MARGIN): RowLoss {
  const target = Math.min(Math.max(distance, 0), logits.length - 1 - margin);
  const low = Math.floor(target);
  const high = low + 1;
  const logP = logSoftmax(logits);
  const gradient = softmax(logits);
  gradient[low] -= high - target;
  gradient[high] -= target - low;
  return { loss: -(high - target) * logP[low] - (target - low) * logP[high], gradient };
}
