/**
 * The losses as a user of TensorFlow.js would write them: eager operations, positives and valuable rows picked with `gather`,
 * gradients by the tape. What was needed to run them on the WebGPU backend:
 * - TensorFlow.js has no stop-gradient. `withoutGradient` computes within a `customGrad` of no inputs, off the tape.
 * - `scatterND` has no gradient: the quality targets are scattered off the tape, where they belong anyway.
 */
import * as tf from '@tensorflow/tfjs';
import type { HeadAssignment, HeadRows } from '../shared/assignedHead.js';
import type { DenseRows } from '../shared/workloads.js';

/** Computes a constant: nothing in `compute` is on the tape. */
export function withoutGradient<T extends tf.Tensor>(compute: () => T): T {
  return tf.customGrad(() => ({ value: compute(), gradFunc: () => [] }))() as T;
}

/** ℓ = (T²/K) Σ_k p_k (ln p_k − ln q_k) of each row [R, K]. */
export function temperatureKL(student: tf.Tensor2D, teacher: tf.Tensor2D, temperature: number): tf.Tensor1D {
  const logQ = tf.logSoftmax(tf.div(student, temperature));
  const logP = tf.logSoftmax(tf.div(teacher, temperature));
  return tf.mul(tf.mean(tf.mul(tf.exp(logP), tf.sub(logP, logQ)), 1), temperature ** 2);
}

/** ℓ = −(hi − y) ln p_lo − (y − lo) ln p_hi of each row. */
export function distributionFocalLoss(logits: tf.Tensor2D, targets: tf.Tensor1D): tf.Tensor1D {
  const bins = logits.shape[1];
  const low = tf.floor(targets);
  const share = tf.expandDims(tf.sub(targets, low), 1);
  const left = tf.oneHot(tf.cast(low, 'int32'), bins);
  const right = tf.oneHot(tf.cast(tf.add(low, 1), 'int32'), bins);
  const soft = tf.add(tf.mul(left, tf.sub(1, share)), tf.mul(right, share));
  return tf.neg(tf.sum<tf.Tensor1D>(tf.mul(soft, tf.logSoftmax(logits)), 1));
}

/** Σ_k k p_k of each row. */
function integral(logits: tf.Tensor2D): tf.Tensor1D {
  return tf.sum(tf.mul(tf.softmax(logits), tf.range(0, logits.shape[1])), 1);
}

/** Boxes [P, 4] as x1, y1, x2, y2 of logits [4P, K] at centres [P, 2]. */
export function predictedBoxes(edges: tf.Tensor2D, centres: tf.Tensor2D): tf.Tensor2D {
  const count = centres.shape[0];
  const reach = tf.reshape(integral(edges), [count, 4]);
  const [low, high] = [0, 2].map((edge) => tf.slice(reach, [0, edge], [count, 2]));
  return tf.concat([tf.sub(centres, low), tf.add(centres, high)], 1) as tf.Tensor2D;
}

/** IoU and GIoU of boxes [P, 4] as x1, y1, x2, y2. */
export function overlaps(a: tf.Tensor2D, b: tf.Tensor2D): { iou: tf.Tensor1D; giou: tf.Tensor1D } {
  const [ax1, ay1, ax2, ay2] = tf.unstack(a, 1);
  const [bx1, by1, bx2, by2] = tf.unstack(b, 1);
  const product = (x: tf.Tensor, y: tf.Tensor) => tf.mul(tf.relu(x), tf.relu(y));
  const inner = product(
    tf.sub(tf.minimum(ax2, bx2), tf.maximum(ax1, bx1)),
    tf.sub(tf.minimum(ay2, by2), tf.maximum(ay1, by1)),
  );
  const areas = tf.add(tf.mul(tf.sub(ax2, ax1), tf.sub(ay2, ay1)), tf.mul(tf.sub(bx2, bx1), tf.sub(by2, by1)));
  const union = tf.maximum(tf.sub(areas, inner), 1e-7);
  const outer = product(
    tf.sub(tf.maximum(ax2, bx2), tf.minimum(ax1, bx1)),
    tf.sub(tf.maximum(ay2, by2), tf.minimum(ay1, by1)),
  );
  const enclosing = tf.maximum(outer, 1e-7);
  const iou = tf.div(inner, union) as tf.Tensor1D;
  return { iou, giou: tf.sub(iou, tf.div(tf.sub(enclosing, union), enclosing)) as tf.Tensor1D };
}

/** Weights [P] for each of four edges, [4P]. */
export function ofEdges(weights: tf.Tensor1D): tf.Tensor1D {
  return withoutGradient(() => tf.reshape(tf.tile(tf.expandDims(weights, 1), [1, 4]), [-1]));
}

/** Inputs of `rowsLoss` on the device. */
export function uploadRows({ rows, bins, student, teacher, targets }: DenseRows) {
  return {
    student: tf.tensor2d(student, [rows, bins]),
    teacher: tf.tensor2d(teacher, [rows, bins]),
    targets: tf.tensor1d(targets),
  };
}

/**
 * LD + DFL, summed over rows, + the mean of the expected edges: what the integral's consumer does with them must cost nothing,
 * but they must be computed.
 */
export function rowsLoss(student: tf.Tensor2D, teacher: tf.Tensor2D, targets: tf.Tensor1D): tf.Scalar {
  const losses = tf.add(temperatureKL(student, teacher, 10), distributionFocalLoss(student, targets));
  return tf.add(tf.sum(losses), tf.mean(integral(student)));
}

/** A head's logits on the device: [N, classes] and [4N, bins]. */
export interface HeadTensors {
  classLogits: tf.Tensor2D;
  boxLogits: tf.Tensor2D;
}

export function uploadHead({ classLogits, boxLogits }: HeadRows, { rows, classes, bins }: HeadAssignment): HeadTensors {
  return {
    classLogits: tf.tensor2d(classLogits, [rows, classes]),
    boxLogits: tf.tensor2d(boxLogits, [4 * rows, bins]),
  };
}

/** What `headLoss` learns, on the device. */
export type AssignmentTensors = ReturnType<typeof uploadAssignment>;

export function uploadAssignment(assignment: HeadAssignment) {
  const { positives, labels, centres, targets, distances, scores, levelShares, valuable, valuableWeights, samples } =
    assignment;
  const count = positives.length;
  const edgesOf = (indices: Int32Array) =>
    tf.tensor1d(Array.from(indices, (row) => [4 * row, 4 * row + 1, 4 * row + 2, 4 * row + 3]).flat(), 'int32');
  return {
    samples,
    positives: tf.tensor1d(positives, 'int32'),
    positiveEdges: edgesOf(positives),
    places: tf.tensor2d(
      Array.from(positives, (row, i) => [row, labels[i]]),
      [count, 2],
      'int32',
    ),
    centres: tf.tensor2d(centres, [count, 2]),
    targets: tf.tensor2d(targets, [count, 4]),
    distances: tf.tensor1d(distances),
    scores: tf.tensor1d(scores),
    levelShares: tf.tensor1d(levelShares),
    valuableEdges: edgesOf(valuable),
    valuableWeights: tf.tensor1d(valuableWeights),
  };
}

/**
 * The head loss of recipe `reference` without imitation; without a teacher that of `gfocal`. The assignment was computed
 * beforehand.
 */
export function headLoss(student: HeadTensors, teacher: HeadTensors | null, assigned: AssignmentTensors): tf.Scalar {
  const { classLogits, boxLogits } = student;
  const { positives, positiveEdges, centres, targets } = assigned;

  const weights = withoutGradient(() => tf.max(tf.sigmoid(tf.gather(classLogits, positives)), 1) as tf.Tensor1D);
  const weightSum = withoutGradient(() => tf.add(tf.sum(weights), 1e-6));
  const edges = tf.gather(boxLogits, positiveEdges) as tf.Tensor2D;
  const { iou, giou } = overlaps(predictedBoxes(edges, centres), targets);

  const quality = withoutGradient(() => tf.scatterND(assigned.places, iou, classLogits.shape));
  // y ln σ and (1 − y) ln(1 − σ) from the logits: softplus(x) − x y
  const crossEntropy = tf.sub(tf.softplus(classLogits), tf.mul(classLogits, quality));
  const focal = tf.mul(tf.square(tf.sub(quality, tf.sigmoid(classLogits))), crossEntropy);
  const qfl = tf.div(tf.sum(focal), assigned.samples);

  const box = tf.div(tf.sum(tf.mul(weights, tf.sub(1, giou))), weightSum);
  const edgeWeights = ofEdges(weights);
  const dfl = tf.div(tf.sum(tf.mul(edgeWeights, distributionFocalLoss(edges, assigned.distances))), weightSum);
  let total = tf.addN([qfl, tf.mul(box, 2), tf.mul(dfl, 0.25 / 4)]);

  if (teacher) {
    const ld = temperatureKL(edges, tf.gather(teacher.boxLogits, positiveEdges), 10);
    const kd = temperatureKL(tf.gather(classLogits, positives), tf.gather(teacher.classLogits, positives), 2);
    const { valuableEdges, valuableWeights } = assigned;
    const around = temperatureKL(tf.gather(boxLogits, valuableEdges), tf.gather(teacher.boxLogits, valuableEdges), 10);
    const perRow = tf.sum(tf.reshape(around, [-1, 4]), 1);
    total = tf.addN([
      total,
      tf.mul(tf.sum(tf.mul(edgeWeights, ld)), 0.25 / 4),
      tf.mul(tf.sum(tf.mul(assigned.levelShares, kd)), 10),
      tf.mul(tf.sum(tf.mul(valuableWeights, perRow)), 0.25 / 16),
    ]);
  }
  return total as tf.Scalar;
}
