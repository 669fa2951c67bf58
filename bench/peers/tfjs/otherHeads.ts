/**
 * The losses of YOLOv8's and NanoDet-Plus' heads with LD as a user of TensorFlow.js would write them. The assignment is given:
 * edgewise's, computed beforehand.
 */
import * as tf from '@tensorflow/tfjs';
import type { HeadName } from '../../scene.js';
import {
  type AssignmentTensors,
  distributionFocalLoss,
  type HeadTensors,
  ofEdges,
  overlaps,
  predictedBoxes,
  temperatureKL,
  withoutGradient,
} from './losses.js';

/** ε of Ultralytics' CIoU. */
const EPSILON = 1e-7;

/** CIoU of boxes [P, 4] as Ultralytics computes it: ε in the heights, α without gradient. */
function completeIou(predicted: tf.Tensor2D, target: tf.Tensor2D): tf.Tensor1D {
  const [ax1, ay1, ax2, ay2] = tf.unstack(predicted, 1);
  const [bx1, by1, bx2, by2] = tf.unstack(target, 1);
  const [aw, bw] = [tf.sub(ax2, ax1), tf.sub(bx2, bx1)];
  const [ah, bh] = [tf.sub(ay2, ay1), tf.sub(by2, by1)].map((height) => tf.add(height, EPSILON));
  const inner = tf.mul(
    tf.relu(tf.sub(tf.minimum(ax2, bx2), tf.maximum(ax1, bx1))),
    tf.relu(tf.sub(tf.minimum(ay2, by2), tf.maximum(ay1, by1))),
  );
  const iou = tf.div(inner, tf.add(tf.sub(tf.add(tf.mul(aw, ah), tf.mul(bw, bh)), inner), EPSILON));
  const squares = (x: tf.Tensor, y: tf.Tensor) => tf.add(tf.square(x), tf.square(y));
  const diagonal = squares(
    tf.sub(tf.maximum(ax2, bx2), tf.minimum(ax1, bx1)),
    tf.sub(tf.maximum(ay2, by2), tf.minimum(ay1, by1)),
  );
  const apart = squares(tf.sub(tf.add(bx1, bx2), tf.add(ax1, ax2)), tf.sub(tf.add(by1, by2), tf.add(ay1, ay2)));
  const angles = tf.sub(tf.atan(tf.div(bw, bh)), tf.atan(tf.div(aw, ah)));
  const shape = tf.mul(tf.square(angles), 4 / Math.PI ** 2);
  const alpha = withoutGradient(() => tf.div(shape, tf.add(tf.sub(shape, iou), 1 + EPSILON)));
  const distance = tf.div(apart, tf.mul(tf.add(diagonal, EPSILON), 4));
  return tf.sub(tf.sub(iou, distance), tf.mul(shape, alpha)) as tf.Tensor1D;
}

/** max(Σ, 1) */
function atLeastOne(weights: tf.Tensor1D): tf.Scalar {
  return withoutGradient(() => tf.maximum(tf.sum(weights), 1) as tf.Scalar);
}

/** Σ_positives weight · mean over the edges. @param losses [4P] */
function perLocation(weights: tf.Tensor1D, losses: tf.Tensor1D): tf.Tensor {
  return tf.div(tf.sum(tf.mul(ofEdges(weights), losses)), 4);
}

/** Recipe `yolov8+ld`. @param batch number of images, which the loss is multiplied by */
function yolov8Loss(student: HeadTensors, teacher: HeadTensors, assigned: AssignmentTensors, batch: number): tf.Scalar {
  const { classLogits, boxLogits } = student;
  const { scores, positiveEdges } = assigned;
  const edges = tf.gather(boxLogits, positiveEdges) as tf.Tensor2D;
  const scoreSum = atLeastOne(scores);
  const quality = withoutGradient(() => tf.scatterND(assigned.places, scores, classLogits.shape));
  // −y ln σ − (1 − y) ln(1 − σ) from the logits: softplus(x) − x y
  const crossEntropy = tf.sum(tf.sub(tf.softplus(classLogits), tf.mul(classLogits, quality)));
  const ciou = completeIou(predictedBoxes(edges, assigned.centres), assigned.targets);
  const dfl = perLocation(scores, distributionFocalLoss(edges, assigned.distances));
  const ld = perLocation(scores, temperatureKL(edges, tf.gather(teacher.boxLogits, positiveEdges), 10));
  const total = tf.addN([
    tf.mul(crossEntropy, 0.5),
    tf.mul(tf.sum(tf.mul(scores, tf.sub(1, ciou))), 7.5),
    tf.mul(dfl, 1.5),
    tf.mul(ld, 1.5),
  ]);
  return tf.mul(tf.div(total, scoreSum), batch) as tf.Scalar;
}

/** Recipe `nanodet-plus+ld`. */
function nanodetPlusLoss(student: HeadTensors, teacher: HeadTensors, assigned: AssignmentTensors): tf.Scalar {
  const { classLogits, boxLogits } = student;
  const { scores, positives, positiveEdges } = assigned;
  const edges = tf.gather(boxLogits, positiveEdges) as tf.Tensor2D;
  const quality = withoutGradient(() => tf.scatterND(assigned.places, scores, classLogits.shape));
  const crossEntropy = tf.sub(tf.softplus(classLogits), tf.mul(classLogits, quality));
  const focal = tf.mul(tf.square(tf.sub(quality, tf.sigmoid(classLogits))), crossEntropy);
  const weights = withoutGradient(() => tf.max(tf.sigmoid(tf.gather(classLogits, positives)), 1) as tf.Tensor1D);
  const weightSum = atLeastOne(weights);
  const { giou } = overlaps(predictedBoxes(edges, assigned.centres), assigned.targets);
  const box = tf.sum(tf.mul(weights, tf.sub(1, giou)));
  const dfl = perLocation(weights, distributionFocalLoss(edges, assigned.distances));
  const ld = perLocation(scores, temperatureKL(edges, tf.gather(teacher.boxLogits, positiveEdges), 10));
  return tf.addN([
    tf.div(tf.sum(focal), Math.max(positives.shape[0], 1)),
    tf.div(tf.add(tf.mul(box, 2), tf.mul(dfl, 0.25)), weightSum),
    tf.div(tf.mul(ld, 0.25), atLeastOne(scores)),
  ]) as tf.Scalar;
}

/** The loss of a head by name. @param batch number of images */
export function otherHeadLoss(
  head: HeadName,
  student: HeadTensors,
  teacher: HeadTensors,
  assigned: AssignmentTensors,
  batch: number,
): tf.Scalar {
  if (head === 'yolov8') return yolov8Loss(student, teacher, assigned, batch);
  return nanodetPlusLoss(student, teacher, assigned);
}
