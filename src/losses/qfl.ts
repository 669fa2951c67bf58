import source from '../../shaders/losses/quality_focal_loss.wgsl';
import { assertVariable } from '../autograd/argument.js';
import type { Variable } from '../autograd/variable.js';
import type { Tensor } from '../tensor/tensor.js';
import { assertTensor } from '../tensor/tensorArgument.js';
import { anything, fields } from '../util/argument.js';
import { InputError } from '../util/error.js';
import { anyOptions, assertNumber, assertShaped, columnsOf, type RowLossOptions, rowLoss } from './rowLoss.js';

const QUALITY_FOCAL_LOSS = { name: 'quality focal loss', source };

/** Exponent of the modulating factor (Generalized Focal Loss). */
const BETA = 2;

/** What the class logits should say. */
export interface QualityTargets {
  /** [R], i32: the row's class; anything outside 0 … C − 1 is background. */
  labels: Tensor;
  /** [R] in [0, 1]: the IoU of the row's decoded box with its ground truth; not read for background. */
  quality: Tensor;
}

/** Options of `qualityFocalLoss`. */
export interface QualityFocalOptions extends RowLossOptions {
  /** Exponent of the modulating factor, 0 or more; default 2. */
  beta?: number;
}

const TARGETS = fields({ labels: anything, quality: anything });

/**
 * Quality focal loss (Generalized Focal Loss, eq. 5), summed over the classes of each row, the quality held fixed:
 * ℓ = Σ_c |y_c − σ_c|^β [−y_c ln σ_c − (1 − y_c) ln(1 − σ_c)], y_c the quality at the label and 0 elsewhere.
 * @param logits [R, C] class logits
 * @param options `beta` 2 unless given; `weights` are the label weights
 * @throws InputError when shapes or types do not fit, or beta is negative
 */
export function qualityFocalLoss(
  logits: Variable,
  targets: QualityTargets,
  options: QualityFocalOptions = {},
): Variable {
  assertVariable('logits', logits);
  TARGETS('targets', targets);
  anyOptions('options', options);
  const { labels, quality } = targets;
  const { beta = BETA } = options;
  const { device } = logits.value;
  assertTensor('targets.labels', labels, { device, type: 'any' });
  const classes = columnsOf('logits', logits.value, 1);
  const rows = logits.value.shape[0];
  if (labels.type !== 'i32' || labels.shape.join() !== `${rows}`) {
    throw new InputError(
      `targets.labels: a ${labels.type} tensor of shape [${labels.shape}]; expected i32 of shape [${rows}] (one a row).`,
    );
  }
  assertShaped('targets.quality', quality, [rows], 'one a row', device);
  assertNumber('beta', beta);
  if (beta < 0) throw new InputError(`beta: ${beta}; expected 0 or more.`);
  return rowLoss(
    logits,
    {
      kernel: QUALITY_FOCAL_LOSS,
      bindings: { logits: logits.value.range, labels: labels.range, quality: quality.range },
      params: { classes, beta },
    },
    options,
  );
}
