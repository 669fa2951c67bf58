import source from '../../shaders/losses/distribution_focal_loss.wgsl';
import { assertVariable } from '../autograd/argument.js';
import type { Variable } from '../autograd/variable.js';
import type { Tensor } from '../tensor/tensor.js';
import { anyOptions, assertShaped, columnsOf, type RowLossOptions, rowLoss } from './rowLoss.js';

const DISTRIBUTION_FOCAL_LOSS = { name: 'distribution focal loss', source };

/** Distances end so far before the last bin, in bins (reference implementation of LD; MMDetection has it too). */
export const MARGIN = 0.1;

/**
 * Distribution focal loss (Generalized Focal Loss, eq. 6): the cross entropy of the two bins around the true distance,
 * ℓ = −(hi − y) ln p_lo − (y − lo) ln p_hi, lo = ⌊y⌋, hi = lo + 1.
 * @param logits [R, K], K ≥ 2; a row is one edge
 * @param distances [R] in bin units, clamped to [0, K − 1.1]
 * @throws InputError when shapes do not fit
 */
export function distributionFocalLoss(logits: Variable, distances: Tensor, options: RowLossOptions = {}): Variable {
  assertVariable('logits', logits);
  anyOptions('options', options);
  const { value } = logits;
  const bins = columnsOf('logits', value, 2);
  assertShaped('distances', distances, [value.shape[0]], 'one a row of logits', value.device);
  return rowLoss(
    logits,
    {
      kernel: DISTRIBUTION_FOCAL_LOSS,
      constants: { BINS: bins },
      bindings: { logits: logits.value.range, distances: distances.range },
      params: { greatest: bins - 1 - MARGIN },
    },
    options,
  );
}
