import { sigmoid } from './bins.js';
import { type Box, insideMargin, iou } from './boxes.js';
import { ciouUltralyticsLoss } from './giou.js';
import { type GridOptions, gridLevels } from './grid.js';
import type { ImageAssignment, ImagePredictions, ImageTruth } from './types.js';

export interface TaskAlignedInput extends GridOptions, ImagePredictions, Pick<ImageTruth, 'boxes' | 'labels'> {
  /** Candidates an object, over all levels together. 10 unless given. */
  topk?: number | undefined;
  /** Exponent of the score. 0.5 unless given. */
  alpha?: number | undefined;
  /** Exponent of the overlap. 6 unless given. */
  beta?: number | undefined;
  /** Clamped at 0. `ciou` (Ultralytics') unless given. */
  overlap?: 'ciou' | 'iou' | undefined;
  /** Overlaps count only where the centre is inside the object (Ultralytics since 2023). True unless given. */
  masked?: boolean | undefined;
  /** Sides below the first stride count as the second one in the inside test (STAL). False unless given. */
  smallTargets?: boolean | undefined;
  /** What a number format makes of an overlap before it is clamped; nothing unless given. */
  rounded?: ((overlap: number) => number) | undefined;
}

/** A centre must be further inside the object than this, pixels. */
const INSIDE_MARGIN = 1e-9;
/** The code that it is taken from computes in f32: a metric below its smallest number is none. */
const MIN_METRIC = 2 ** -126;
/** Added to the largest metric of an object before it divides. */
const METRIC_EPSILON = 1e-9;

/** The same centre, with sides below the first stride replaced by the second one. */
function enlarged(box: Box, strides: readonly number[]): Box {
  const side = (length: number) => (length < strides[0] ? strides[Math.min(1, strides.length - 1)] : length);
  const [x, y] = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
  const [halfWidth, halfHeight] = [side(box[2] - box[0]) / 2, side(box[3] - box[1]) / 2];
  return [x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight];
}

/** Indices of the `count` largest values above 0, by (value, index). */
function largest(values: ArrayLike<number>, count: number): number[] {
  const indices = Array.from(values, (_, i) => i).filter((i) => values[i] > 0);
  return indices.sort((a, b) => values[b] - values[a] || a - b).slice(0, count);
}

/** How well every location suits every object: a row an object, a value a location. */
export interface Alignment {
  /** Whether the centre is in the object, and by how many pixels. */
  inside: boolean[][];
  margins: number[][];
  overlaps: number[][];
  metrics: number[][];
}

export function alignmentOf(input: TaskAlignedInput): Alignment {
  const { boxes, labels, logits, predicted, strides } = input;
  const { alpha = 0.5, beta = 6, overlap = 'ciou', masked = true, smallTargets = false } = input;
  const { rounded = (value) => value } = input;
  const centres = gridLevels(input).flatMap((level) => level.centres);
  const overlapOf = (box: Box, truth: Box) =>
    Math.max(0, rounded(overlap === 'ciou' ? 1 - ciouUltralyticsLoss(box, truth).loss : iou(box, truth)));
  const margins = boxes.map((box) => {
    const reach = smallTargets ? enlarged(box, strides) : box;
    return centres.map(([x, y]) => insideMargin(x, y, reach));
  });
  const inside = margins.map((row) => row.map((margin) => margin > INSIDE_MARGIN));
  const overlaps = boxes.map((box, g) => predicted.map((p, i) => (masked && !inside[g][i] ? 0 : overlapOf(p, box))));
  const metrics = overlaps.map((row, g) =>
    row.map((u, i) => {
      const metric = sigmoid(logits[i][labels[g]]) ** alpha * u ** beta;
      return metric < MIN_METRIC ? 0 : metric;
    }),
  );
  return { inside, margins, overlaps, metrics };
}

/**
 * Task-aligned assignment (TOOD, Feng et al., ICCV 2021) of one image as in YOLOv8 to YOLO12.
 * Metric m = score^alpha overlap^beta. An object chooses the `topk` locations of largest m > 0 whose centres it holds; a location that
 * several objects chose goes to the one of largest overlap among all objects of the image, then of lowest index.
 * Target score of a positive: m U / (M + 1e-9), M and U the largest metric and overlap of its object's positives.
 */
export function assignTaskAligned(input: TaskAlignedInput): ImageAssignment {
  const { boxes, labels, topk = 10 } = input;
  const levels = gridLevels(input);
  const centres = levels.flatMap((level) => level.centres);
  const { inside, overlaps, metrics } = alignmentOf(input);

  const chosenBy = centres.map((): number[] => []);
  metrics.forEach((row, g) => {
    const candidates = row.map((m, i) => (inside[g][i] ? m : 0));
    for (const i of largest(candidates, topk)) chosenBy[i].push(g);
  });
  const truthIndex = Int32Array.from(chosenBy, (objects, i) => {
    if (objects.length < 2) return objects[0] ?? -1;
    const all = overlaps.map((row) => row[i]);
    return all.indexOf(Math.max(...all));
  });

  const best = boxes.map((_, g) => {
    const own = centres.flatMap((_, i) => (truthIndex[i] === g ? [i] : []));
    return {
      metric: Math.max(0, ...own.map((i) => metrics[g][i])),
      overlap: Math.max(0, ...own.map((i) => overlaps[g][i])),
    };
  });
  return {
    levels,
    state: Int8Array.from(truthIndex, (g) => (g < 0 ? 0 : 1)),
    label: truthIndex.map((g) => (g < 0 ? -1 : labels[g])),
    truthIndex,
    score: Float64Array.from(truthIndex, (g, i) =>
      g < 0 ? 0 : (metrics[g][i] * best[g].overlap) / (best[g].metric + METRIC_EPSILON),
    ),
  };
}
