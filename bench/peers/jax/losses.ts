/**
 * The losses as a user of jax-js would write them: pure functions under `jit(valueAndGrad(…))`. Shapes are fixed under jit and
 * the numbers of positives and of valuable rows are not, so the lists of rows are padded with weights of 0; dense losses
 * with masks, the other way, take twice as long.
 * What was needed to run them right: with jax-js 0.1.25 on WebGPU, `prod` over a fused expression gives wrong values under jit
 * (its unrolled product lacks parentheses), so areas multiply their two sides.
 */
import { lax, nn, numpy as np } from '@jax-js/jax';
import type { HeadAssignment, HeadRows } from '../shared/assignedHead.js';
import type { DenseRows } from '../shared/workloads.js';

/** ℓ = (T²/K) Σ_k p_k (ln p_k − ln q_k) over the last axis. */
export function temperatureKL(student: np.Array, teacher: np.Array, temperature: number): np.Array {
  const logQ = nn.logSoftmax(student.div(temperature), -1);
  const logP = nn.logSoftmax(teacher.div(temperature), -1);
  const difference = logP.ref.sub(logQ);
  return np
    .exp(logP)
    .mul(difference)
    .mean(-1)
    .mul(temperature ** 2);
}

/** ℓ = −(hi − y) ln p_lo − (y − lo) ln p_hi over the last axis; a bin's share is max(0, 1 − |y − k|). */
export function distributionFocalLoss(logits: np.Array, targets: np.Array): np.Array {
  const bins = np.arange(logits.shape[logits.ndim - 1]).astype(np.float32);
  const distance = np.abs(np.expandDims(targets, -1).sub(bins));
  const shares = np.maximum(distance.neg().add(1), 0);
  return shares.mul(nn.logSoftmax(logits, -1)).sum(-1).neg();
}

/** Σ_k k p_k over the last axis. */
function integral(logits: np.Array): np.Array {
  const bins = np.arange(logits.shape[logits.ndim - 1]).astype(np.float32);
  return nn.softmax(logits, -1).mul(bins).sum(-1);
}

/** Inputs of `rowsLoss` on the device. */
export function uploadRows({ rows, bins, student, teacher, targets }: DenseRows) {
  return {
    student: array(student, [rows, bins]),
    teacher: array(teacher, [rows, bins]),
    targets: array(targets, [rows]),
  };
}

/**
 * LD + DFL, summed over rows, + the mean of the expected edges: what the integral's consumer does with them must cost nothing,
 * but they must be computed.
 */
export function rowsLoss(student: np.Array, teacher: np.Array, targets: np.Array): np.Array {
  const losses = temperatureKL(student.ref, teacher, 10).add(distributionFocalLoss(student.ref, targets));
  return losses.sum().add(integral(student).mean());
}

/** A head's logits: [N, classes] and [N, 4, bins]. */
export type HeadArrays = { classLogits: np.Array; boxLogits: np.Array };

export function uploadHead({ classLogits, boxLogits }: HeadRows, assignment: HeadAssignment): HeadArrays {
  const { rows, classes, bins } = assignment;
  return { classLogits: array(classLogits, [rows, classes]), boxLogits: array(boxLogits, [rows, 4, bins]) };
}

/** What `headLoss` learns: lists of P and V rows, padded. */
export type AssignmentArrays = {
  /** [P] i32 rows */
  positives: np.Array;
  /** [P] 1, 0 for padding */
  isPositive: np.Array;
  /** [P] i32; −1 for padding */
  labels: np.Array;
  /** [P, 2], [P, 4], [P, 4] in strides */
  centres: np.Array;
  targets: np.Array;
  distances: np.Array;
  /** [P] target scores */
  scores: np.Array;
  /** [P] share of the level's mean */
  levelShares: np.Array;
  /** [V] i32 rows */
  valuable: np.Array;
  /** [V] */
  valuableWeights: np.Array;
  /** 1 / samples */
  perSample: np.Array;
};

export function uploadAssignment(assignment: HeadAssignment): AssignmentArrays {
  const { positives, labels, centres, targets, distances, scores, levelShares, valuable, valuableWeights } = assignment;
  const [p, v] = [positives, valuable].map(paddedLength);
  // Boxes with area, so that losses which a weight of 0 silences are finite.
  const boxes = Float32Array.from({ length: 4 * p }, (_, i) => targets[i] ?? (i % 4 < 2 ? -1 : 1));
  const indices = (rows: Int32Array, length: number, padding = 0) =>
    np.array(Int32Array.from({ length }, (_, i) => rows[i] ?? padding));
  const padded = (values: Float32Array, shape: number[]) =>
    array(
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => values[i] ?? 0),
      shape,
    );
  return {
    positives: indices(positives, p),
    isPositive: padded(new Float32Array(positives.length).fill(1), [p]),
    labels: indices(labels, p, -1),
    centres: padded(centres, [p, 2]),
    targets: array(boxes, [p, 4]),
    distances: padded(distances, [p, 4]),
    scores: padded(scores, [p]),
    levelShares: padded(levelShares, [p]),
    valuable: indices(valuable, v),
    valuableWeights: padded(valuableWeights, [v]),
    perSample: np.array(1 / assignment.samples),
  };
}

/** Rounded up to an eighth of a power of two: few shapes to compile, little padding to compute. */
function paddedLength({ length }: Int32Array): number {
  const step = 2 ** Math.max(0, Math.ceil(Math.log2(length)) - 3);
  return Math.max(1, Math.ceil(length / step) * step);
}

/** Boxes [N, 4] as x1, y1, x2, y2 of logits [N, 4, K] at centres [N, 2]. */
export function predictedBoxes(boxLogits: np.Array, centres: np.Array): np.Array {
  const reach = integral(boxLogits);
  const [low, high] = [reach.ref.slice([], [0, 2]), reach.slice([], [2, 4])];
  return np.concatenate([centres.ref.sub(low), centres.add(high)], 1);
}

/** IoU and GIoU of boxes [N, 4] as x1, y1, x2, y2. */
export function overlaps(a: np.Array, b: np.Array): { iou: np.Array; giou: np.Array } {
  const corners = (box: np.Array) => [box.ref.slice([], [0, 2]), box.slice([], [2, 4])];
  const [aLow, aHigh] = corners(a);
  const [bLow, bHigh] = corners(b);
  const area = (sides: np.Array) => sides.ref.slice([], 0).mul(sides.slice([], 1));
  const inner = area(np.maximum(np.minimum(aHigh.ref, bHigh.ref).sub(np.maximum(aLow.ref, bLow.ref)), 0));
  const outer = area(np.maximum(aHigh.ref, bHigh.ref).sub(np.minimum(aLow.ref, bLow.ref)));
  const areas = area(aHigh.sub(aLow)).add(area(bHigh.sub(bLow)));
  const union = np.maximum(areas.sub(inner.ref), 1e-7);
  const enclosing = np.maximum(outer, 1e-7);
  const iou = inner.div(union.ref);
  const giou = iou.ref.sub(enclosing.ref.sub(union).div(enclosing));
  return { iou, giou };
}

/** |y − σ|² · cross-entropy of each logit; y ln σ and (1 − y) ln(1 − σ) from the logits: softplus(x) − x y. */
export function qualityFocalLoss(logits: np.Array, quality: np.Array): np.Array {
  const crossEntropy = nn.softplus(logits.ref).sub(logits.ref.mul(quality.ref));
  return np.square(quality.sub(nn.sigmoid(logits))).mul(crossEntropy);
}

/**
 * The head loss of recipe `reference` without imitation; without a teacher that of `gfocal`. The assignment was computed
 * beforehand.
 */
export function headLoss(student: HeadArrays, teacher: HeadArrays | null, assigned: AssignmentArrays): np.Array {
  const { classLogits, boxLogits } = student;
  const { positives, isPositive, labels, perSample } = assigned;
  const classes = classLogits.shape[1];

  const scores = np.take(classLogits.ref, positives.ref, 0);
  const edges = np.take(boxLogits.ref, positives.ref, 0);
  const weights = lax.stopGradient(nn.sigmoid(scores.ref).max(-1).mul(isPositive));
  const weightSum = weights.ref.sum().add(1e-6);
  const { iou, giou } = overlaps(predictedBoxes(edges.ref, assigned.centres), assigned.targets);

  // Every location as background; what the positives differ by is added.
  const isLabel = np.expandDims(labels, 1).equal(np.arange(classes)).astype(np.float32);
  const quality = lax.stopGradient(np.expandDims(iou, 1)).mul(isLabel.ref);
  const difference = qualityFocalLoss(scores.ref, quality).sub(qualityFocalLoss(scores.ref, np.zeros(scores.shape)));
  const background = qualityFocalLoss(classLogits.ref, np.zeros(classLogits.shape));
  const qfl = background.sum().add(difference.mul(isLabel).sum()).mul(perSample);

  const box = weights.ref.mul(giou.neg().add(1)).sum().div(weightSum.ref);
  const perEdge = distributionFocalLoss(edges.ref, assigned.distances).sum(-1);
  const dfl = weights.ref.mul(perEdge).sum().div(weightSum);
  const detection = qfl.add(box.mul(2)).add(dfl.mul(0.25 / 4));
  if (!teacher) return detection;

  const { valuable } = assigned;
  const ld = temperatureKL(edges, np.take(teacher.boxLogits.ref, positives.ref, 0), 10).sum(-1);
  const kd = temperatureKL(scores, np.take(teacher.classLogits, positives, 0), 2);
  const around = np.take(boxLogits, valuable.ref, 0);
  const ldAround = temperatureKL(around, np.take(teacher.boxLogits, valuable, 0), 10).sum(-1);
  const main = weights
    .mul(ld)
    .sum()
    .mul(0.25 / 4);
  const vlr = assigned.valuableWeights
    .mul(ldAround)
    .sum()
    .mul(0.25 / 16);
  return detection.add(main).add(vlr).add(assigned.levelShares.mul(kd).sum().mul(10));
}

function array(values: Float32Array, shape: number[]): np.Array {
  return np.array(values as Float32Array<ArrayBuffer>).reshape(shape);
}
