/**
 * The losses as a user of jax-js would write them: pure functions under `jit(valueAndGrad(…))`. Shapes are fixed under jit and
 * the number of positives is not, so the head loss is dense with masks: every location is computed, weights of 0 silence it.
 * What was needed to run them right: with jax-js 0.1.25 on WebGPU, `prod` over a fused expression gives wrong values under jit
 * (its unrolled product lacks parentheses), so areas multiply their two sides.
 */
import { lax, nn, numpy as np } from '@jax-js/jax';
import type { HeadAssignment, HeadRows } from '../shared/assignedHead.js';
import type { DenseRows } from '../shared/workloads.js';

/** ℓ = (T²/K) Σ_k p_k (ln p_k − ln q_k) over the last axis. */
function temperatureKL(student: np.Array, teacher: np.Array, temperature: number): np.Array {
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
function distributionFocalLoss(logits: np.Array, targets: np.Array): np.Array {
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

/** What `headLoss` learns, dense: an entry a location. */
export type AssignmentArrays = {
  /** [N] 1 at positives */
  positive: np.Array;
  /** [N] i32; −1 elsewhere */
  label: np.Array;
  /** [N, 2] in strides; where there is no positive, inside of a target box that is never used */
  centres: np.Array;
  /** [N, 4] in strides */
  targets: np.Array;
  /** [N, 4] DFL's distances, clamped 0.1 below the last bin */
  distances: np.Array;
  /** [N] share of the level's mean; 0 elsewhere */
  levelShares: np.Array;
  /** [N] IoU in the valuable region; 0 elsewhere */
  valuable: np.Array;
  /** 1 / samples */
  perSample: np.Array;
};

export function uploadAssignment(assignment: HeadAssignment): AssignmentArrays {
  const { rows, bins, positives, labels, valuableWeights } = assignment;
  const positive = new Float32Array(rows);
  const label = new Int32Array(rows).fill(-1);
  const centres = new Float32Array(2 * rows);
  const targets = new Float32Array(4 * rows);
  const distances = new Float32Array(4 * rows);
  const levelShares = new Float32Array(rows);
  const valuable = new Float32Array(rows);
  // A box with area, so that losses which a weight of 0 silences are finite.
  for (let i = 0; i < 4 * rows; i++) targets[i] = i % 4 < 2 ? -1 : 1;
  for (const [i, row] of positives.entries()) {
    positive[row] = 1;
    label[row] = labels[i];
    levelShares[row] = assignment.levelShares[i];
    centres.set(assignment.centres.subarray(2 * i, 2 * i + 2), 2 * row);
    targets.set(assignment.targets.subarray(4 * i, 4 * i + 4), 4 * row);
    for (let edge = 0; edge < 4; edge++) {
      const distance = (edge < 2 ? 1 : -1) * (centres[2 * row + (edge % 2)] - targets[4 * row + edge]);
      distances[4 * row + edge] = Math.min(Math.max(distance, 0), bins - 1.1);
    }
  }
  for (const [i, row] of assignment.valuable.entries()) valuable[row] = valuableWeights[i];
  return {
    positive: array(positive, [rows]),
    label: np.array(label),
    centres: array(centres, [rows, 2]),
    targets: array(targets, [rows, 4]),
    distances: array(distances, [rows, 4]),
    levelShares: array(levelShares, [rows]),
    valuable: array(valuable, [rows]),
    perSample: np.array(1 / assignment.samples),
  };
}

/** Boxes [N, 4] as x1, y1, x2, y2 of logits [N, 4, K] at centres [N, 2]. */
function predictedBoxes(boxLogits: np.Array, centres: np.Array): np.Array {
  const reach = integral(boxLogits);
  const [low, high] = [reach.ref.slice([], [0, 2]), reach.slice([], [2, 4])];
  return np.concatenate([centres.ref.sub(low), centres.add(high)], 1);
}

/** IoU and GIoU of boxes [N, 4] as x1, y1, x2, y2. */
function overlaps(a: np.Array, b: np.Array): { iou: np.Array; giou: np.Array } {
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

/**
 * The head loss of recipe `reference` without imitation; without a teacher that of `gfocal`. The assignment was computed
 * beforehand.
 */
export function headLoss(student: HeadArrays, teacher: HeadArrays | null, assigned: AssignmentArrays): np.Array {
  const { classLogits, boxLogits } = student;
  const { positive, label, centres, targets, distances, levelShares, valuable, perSample } = assigned;
  const classes = classLogits.shape[1];

  const weights = lax.stopGradient(nn.sigmoid(classLogits.ref).max(-1).mul(positive));
  const weightSum = weights.ref.sum().add(1e-6);
  const { iou, giou } = overlaps(predictedBoxes(boxLogits.ref, centres), targets);

  const isLabel = np.expandDims(label, 1).equal(np.arange(classes));
  const quality = lax.stopGradient(np.expandDims(iou, 1).mul(isLabel.astype(np.float32)));
  // y ln σ and (1 − y) ln(1 − σ) from the logits: softplus(x) − x y
  const crossEntropy = nn.softplus(classLogits.ref).sub(classLogits.ref.mul(quality.ref));
  const focal = np.square(quality.sub(nn.sigmoid(classLogits.ref))).mul(crossEntropy);
  const qfl = focal.sum().mul(perSample);

  const box = weights.ref.mul(giou.neg().add(1)).sum().div(weightSum.ref);
  const edges = distributionFocalLoss(boxLogits.ref, distances).sum(-1);
  const dfl = weights.ref.mul(edges).sum().div(weightSum);
  const detection = qfl.add(box.mul(2)).add(dfl.mul(0.25 / 4));
  if (!teacher) return detection;

  // Both regions have one temperature: the KL of a location serves both.
  const ld = temperatureKL(boxLogits, teacher.boxLogits, 10).sum(-1);
  const kd = temperatureKL(classLogits, teacher.classLogits, 2);
  return detection
    .add(
      weights
        .mul(ld.ref)
        .sum()
        .mul(0.25 / 4),
    )
    .add(
      valuable
        .mul(ld)
        .sum()
        .mul(0.25 / 16),
    )
    .add(levelShares.mul(kd).sum().mul(10));
}

function array(values: Float32Array, shape: number[]): np.Array {
  return np.array(values as Float32Array<ArrayBuffer>).reshape(shape);
}
