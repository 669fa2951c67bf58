import { logSoftmax, softmax } from './bins.js';
import type { RowLoss } from './distributionFocalLoss.js';

/** The shares of a value among bins that stand for increasing values (D-FINE, eq. 3), in float64; the ends collect what is beyond. */
export function sharesOf(value: number, projection: readonly number[]): Float64Array {
  const shares = new Float64Array(projection.length);
  const last = projection.length - 1;
  if (value <= projection[0]) shares[0] = 1;
  else if (value >= projection[last]) shares[last] = 1;
  else {
    const above = projection.findIndex((v) => v > value);
    const width = projection[above] - projection[above - 1];
    shares[above - 1] = (projection[above] - value) / width;
    shares[above] = (value - projection[above - 1]) / width;
  }
  return shares;
}

/** Fine-grained localization loss of one row and its gradient. */
export function fineGrainedLoss(logits: readonly number[], target: number, projection: readonly number[]) {
  const shares = sharesOf(target, projection);
  const greatest = Math.max(...logits);
  const logSum = Math.log(logits.reduce((sum, z) => sum + Math.exp(z - greatest), 0));
  const logs = logits.map((z) => z - greatest - logSum);
  const loss = -logs.reduce((sum, log, k) => sum + (shares[k] > 0 ? shares[k] * log : 0), 0);
  return { loss, gradient: softmax(logits).map((p, k) => p - shares[k]) };
}

/**
 * Distribution focal loss of one edge whose bins stand for increasing values: the cross-entropy with the target's shares, the target
 * clamped to `margin` of the last step before the last value.
 */
export function tableFocalLoss(
  logits: ArrayLike<number>,
  distance: number,
  margin: number,
  projection: readonly number[],
): RowLoss {
  const [before, last] = projection.slice(-2);
  const shares = sharesOf(Math.min(Math.max(distance, projection[0]), last - margin * (last - before)), projection);
  const logP = logSoftmax(logits);
  return {
    loss: -shares.reduce((sum, share, k) => sum + share * logP[k], 0),
    gradient: softmax(logits).map((p, k) => p - shares[k]),
  };
}
