/**
 * The losses of YOLOv8's and NanoDet-Plus' heads with LD as a user of jax-js would write them. The assignment is given: edgewise's,
 * computed beforehand; its lists are padded with weights of 0.
 */
import { lax, nn, numpy as np } from '@jax-js/jax';
import type { HeadName } from '../../scene.js';
import {
  type AssignmentArrays,
  distributionFocalLoss,
  type HeadArrays,
  overlaps,
  predictedBoxes,
  qualityFocalLoss,
  temperatureKL,
} from './losses.js';

/** ε of Ultralytics' CIoU. */
const EPSILON = 1e-7;

/** CIoU of boxes [P, 4] as Ultralytics computes it: ε in the heights, α without gradient. */
function completeIou(predicted: np.Array, target: np.Array): np.Array {
  const corners = (box: np.Array) => [box.ref.slice([], [0, 2]), box.slice([], [2, 4])];
  const [aLow, aHigh] = corners(predicted);
  const [bLow, bHigh] = corners(target);
  const product = (sides: np.Array) => sides.ref.slice([], 0).mul(sides.slice([], 1));
  const sidesOf = (low: np.Array, high: np.Array) => {
    const sides = high.sub(low);
    return { width: sides.ref.slice([], 0), height: sides.slice([], 1).add(EPSILON) };
  };
  const inner = product(np.maximum(np.minimum(aHigh.ref, bHigh.ref).sub(np.maximum(aLow.ref, bLow.ref)), 0));
  const outer = np.maximum(aHigh.ref, bHigh.ref).sub(np.minimum(aLow.ref, bLow.ref));
  const apart = np.square(bLow.ref.add(bHigh.ref).sub(aLow.ref.add(aHigh.ref))).sum(-1);
  const [a, b] = [sidesOf(aLow, aHigh), sidesOf(bLow, bHigh)];
  const areas = a.width.ref.mul(a.height.ref).add(b.width.ref.mul(b.height.ref));
  const iou = inner.ref.div(areas.sub(inner).add(EPSILON));
  const angles = np.arctan(b.width.div(b.height)).sub(np.arctan(a.width.div(a.height)));
  const shape = np.square(angles).mul(4 / Math.PI ** 2);
  const alpha = lax.stopGradient(shape.ref.div(shape.ref.sub(iou.ref).add(1 + EPSILON)));
  const diagonal = np.square(outer).sum(-1).add(EPSILON);
  return iou.sub(apart.div(diagonal.mul(4))).sub(shape.mul(alpha));
}

/** max(Σ, 1) */
function atLeastOne(weights: np.Array): np.Array {
  return np.maximum(weights.sum(), 1);
}

/** Σ_positives weight · mean over the edges. @param losses [P, 4] */
function perLocation(weights: np.Array, losses: np.Array): np.Array {
  return weights.mul(losses.mean(-1)).sum();
}

/** What both heads take of the logits, and LD. */
function rowsOf(student: HeadArrays, teacher: HeadArrays, assigned: AssignmentArrays) {
  const { positives, labels, scores } = assigned;
  const edges = np.take(student.boxLogits, positives.ref, 0);
  const taught = np.take(teacher.boxLogits, positives.ref, 0);
  teacher.classLogits.dispose();
  return {
    ld: perLocation(scores.ref, temperatureKL(edges.ref, taught, 10)),
    edges,
    logits: np.take(student.classLogits.ref, positives, 0),
    isLabel: np.expandDims(labels, 1).equal(np.arange(student.classLogits.shape[1])).astype(np.float32),
  };
}

/** Recipe `yolov8+ld`. @param batch number of images, which the loss is multiplied by */
function yolov8Loss(student: HeadArrays, teacher: HeadArrays, assigned: AssignmentArrays, batch: number): np.Array {
  const { scores, centres, targets, distances } = assigned;
  const { edges, ld, logits, isLabel } = rowsOf(student, teacher, assigned);
  // −y ln σ − (1 − y) ln(1 − σ) from the logits: softplus(x) − x y, and y is 0 but for the positives.
  const own = logits.mul(isLabel).sum(-1).mul(scores.ref).sum();
  const crossEntropy = nn.softplus(student.classLogits).sum().sub(own);
  const ciou = completeIou(predictedBoxes(edges.ref, centres), targets);
  const box = scores.ref.mul(ciou.neg().add(1)).sum();
  const dfl = perLocation(scores.ref, distributionFocalLoss(edges, distances));
  const total = crossEntropy.mul(0.5).add(box.mul(7.5)).add(dfl.mul(1.5)).add(ld.mul(1.5));
  return total.div(atLeastOne(scores)).mul(batch);
}

/** Recipe `nanodet-plus+ld`. */
function nanodetPlusLoss(student: HeadArrays, teacher: HeadArrays, assigned: AssignmentArrays): np.Array {
  const { scores, isPositive, centres, targets, distances } = assigned;
  const { edges, ld, logits, isLabel } = rowsOf(student, teacher, assigned);
  // Every location as background; what the positives differ by is added.
  const quality = np.expandDims(scores.ref, 1).mul(isLabel.ref);
  const zeros = () => np.zeros(logits.shape);
  const weights = lax.stopGradient(nn.sigmoid(logits.ref).max(-1).mul(isPositive.ref));
  const difference = qualityFocalLoss(logits.ref, quality).sub(qualityFocalLoss(logits.ref, zeros()));
  logits.dispose();
  const background = qualityFocalLoss(student.classLogits.ref, np.zeros(student.classLogits.shape));
  student.classLogits.dispose();
  const rows = np.expandDims(isPositive.ref, 1).mul(isLabel);
  const focal = background.sum().add(difference.mul(rows).sum());
  const { iou, giou } = overlaps(predictedBoxes(edges.ref, centres), targets);
  iou.dispose();
  const box = weights.ref.mul(giou.neg().add(1)).sum();
  const dfl = perLocation(weights.ref, distributionFocalLoss(edges, distances));
  return focal
    .div(atLeastOne(isPositive))
    .add(box.mul(2).add(dfl.mul(0.25)).div(atLeastOne(weights)))
    .add(ld.mul(0.25).div(atLeastOne(scores)));
}

/** The loss of a head by name, to be jitted. @param batch number of images */
export function otherHeadLoss(head: HeadName, batch: number) {
  return (student: HeadArrays, teacher: HeadArrays, assigned: AssignmentArrays): np.Array =>
    head === 'yolov8' ? yolov8Loss(student, teacher, assigned, batch) : nanodetPlusLoss(student, teacher, assigned);
}
