import weightsSource from '../../shaders/losses/decoupled_weights.wgsl';
import lossSource from '../../shaders/losses/fine_grained_loss.wgsl';
import { assertVariable } from '../autograd/argument.js';
import { one } from '../autograd/one.js';
import type { Variable } from '../autograd/variable.js';
import type { Tensor } from '../tensor/tensor.js';
import { anything, options as optionsOf } from '../util/argument.js';
import type { ProjectionOptions } from './distribution.js';
import { temperatureKL } from './ld.js';
import { projectionTable } from './projection.js';
import { assertNumber, assertShaped, columnsOf, type RowLossOptions, rowLoss } from './rowLoss.js';

const FINE_GRAINED = { name: 'fine-grained localization loss', source: lossSource };
const DECOUPLED_WEIGHTS = { name: 'decoupled weights', source: weightsSource };

const FGL = optionsOf({ projection: anything, weights: anything, averageFactor: anything, lossWeight: anything });
const DDF = optionsOf({ temperature: anything, weights: anything, lossWeight: anything });

/**
 * Fine-grained localization loss (FGL; D-FINE, Peng et al., ICLR 2025, eq. 3): the cross entropy of the two bins about the target, each
 * with its share: ℓ = −s_lo ln p_lo − s_hi ln p_hi; beyond the ends that of the last bin. D-FINE's term has the IoU of the predicted box
 * as `weights`, the number of boxes as `averageFactor` and `lossWeight` 0.15.
 * @param logits [R, K], K ≥ 2; a row is one edge of a matched query
 * @param targets [R] in the projection's unit
 * @param options `projection` 0 … K − 1 unless given; D-FINE's is `fineGrainedProjection()`
 * @throws InputError when shapes do not fit, or the projection has not K increasing values
 */
export function fineGrainedLocalizationLoss(
  logits: Variable,
  targets: Tensor,
  options: RowLossOptions & ProjectionOptions = {},
): Variable {
  assertVariable('logits', logits);
  FGL('options', options);
  const { device, shape } = logits.value;
  const bins = columnsOf('logits', logits.value, 2);
  assertShaped('targets', targets, [shape[0]], 'one a row of logits', device);
  const table = projectionTable(device, options.projection, bins);
  const loss = rowLoss(
    logits,
    {
      kernel: FINE_GRAINED,
      constants: { BINS: bins, ...table.constants },
      bindings: { logits: logits.value.range, targets: targets.range, projection: table.tensor.range },
    },
    options,
  );
  table.dispose();
  return loss;
}

/** Of decoupled distillation focal loss. */
export interface DecoupledOptions {
  /** Softens both distributions; 5 unless given. */
  temperature?: number;
  /** [R] ω, 1 unless given: D-FINE's is the IoU of the student's own box for matched rows, elsewhere the teacher's best class score. */
  weights?: Tensor;
  /** Default 1; D-FINE's is 1.5. */
  lossWeight?: number;
}

/**
 * Decoupled distillation focal loss (DDF; D-FINE, Peng et al., ICLR 2025, eq. 6): T² Σ_k p_k (ln p_k − ln q_k) of each edge times its
 * weight; the means of the P matched and of the Q other edges, weighted by √P and √Q: few matched queries are not drowned by many others.
 * @param student [R, K]; a row is one edge of a query
 * @param teacher [R, K], held fixed: D-FINE's is the last decoder layer
 * @param matched [R] f32, greater than 0 where the edge's query is matched
 * @returns a scalar
 * @throws InputError when shapes do not fit, or the temperature is not positive
 */
export function decoupledDistillationFocalLoss(
  student: Variable,
  teacher: Tensor,
  matched: Tensor,
  options: DecoupledOptions = {},
): Variable {
  assertVariable('student', student);
  DDF('options', options);
  const { temperature = 5, weights, lossWeight = 1 } = options;
  const { device, shape } = student.value;
  const bins = columnsOf('student', student.value, 1);
  const [rows] = shape;
  assertShaped('matched', matched, [rows], 'one a row', device);
  if (weights !== undefined) assertShaped('weights', weights, [rows], 'one a row', device);
  assertNumber('lossWeight', lossWeight);
  const rowWeights = device.empty([rows]);
  device.run({
    kernel: DECOUPLED_WEIGHTS,
    bindings: { matched: matched.range, weights: (weights ?? one(device)).range, row_weights: rowWeights.range },
    params: { rows, weight_stride: weights ? 1 : 0, bins },
    workgroups: [1, 1, 1],
  });
  const loss = temperatureKL(student, teacher, { temperature, weights: rowWeights, lossWeight });
  rowWeights.dispose();
  return loss;
}
