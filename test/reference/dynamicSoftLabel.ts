import { insideMargin, iou } from './boxes.js';
import { type GridOptions, gridLevels } from './grid.js';
import { qualityFocalLoss } from './qualityFocal.js';
import type { ImageAssignment, ImagePredictions, ImageTruth } from './types.js';

export interface DynamicSoftLabelInput extends GridOptions, ImagePredictions, Pick<ImageTruth, 'boxes' | 'labels'> {
  /** Largest IoUs of an object whose sum, truncated, is its number of locations. 13 unless given. */
  topk?: number | undefined;
  /** Weight of -ln IoU in the cost. 3 unless given. */
  iouWeight?: number | undefined;
}

/** Keeps ln IoU finite. */
const IOU_EPSILON = 1e-7;

/** The candidates of an image, and what they cost: a row an object, a value a candidate. */
export interface SoftLabelCosts {
  /** Locations. */
  candidates: number[];
  /** By how many pixels each centre is in each object: a row an object, a value a location. */
  margins: number[][];
  overlaps: number[][];
  costs: number[][];
}

export function softLabelCosts(input: DynamicSoftLabelInput): SoftLabelCosts {
  const { boxes, labels, logits, predicted, iouWeight = 3 } = input;
  const centres = gridLevels(input).flatMap((level) => level.centres);
  const margins = boxes.map((box) => centres.map(([x, y]) => insideMargin(x, y, box)));
  const candidates = centres.flatMap((_, i) => (margins.some((row) => row[i] > 0) ? [i] : []));
  const overlaps = boxes.map((box) => candidates.map((i) => iou(predicted[i], box)));
  const costs = overlaps.map((row, g) =>
    row.map((overlap, at) => {
      const x = Array.from(logits[candidates[at]]);
      const losses = x.map((logit, c) => qualityFocalLoss(logit, c === labels[g] ? overlap : 0, 2).loss);
      return losses.reduce((a, b) => a + b, 0) - iouWeight * Math.log(overlap + IOU_EPSILON);
    }),
  );
  return { candidates, margins, overlaps, costs };
}

/**
 * Dynamic soft label assignment of one image as in NanoDet-Plus. Candidates are the locations whose centre is strictly inside any object.
 * Cost of a candidate for an object: sum over classes of |y - s|^2 BCE(x, y), with y the IoU at the object's class and 0 elsewhere,
 * + iouWeight (-ln(IoU + 1e-7)). An object takes its k cheapest candidates, in the object or not, k = max(1, floor(sum of the
 * `topk` largest IoUs)), by (cost, index); a location that several objects took goes to the one of lowest cost among all objects of
 * the image, then of lowest index. Target score: IoU. The class term is finite for every logit; theirs clamps ln at -100.
 */
export function assignDynamicSoftLabel(input: DynamicSoftLabelInput): ImageAssignment {
  const { labels, topk = 13 } = input;
  const levels = gridLevels(input);
  const locations = levels.reduce((sum, { centres }) => sum + centres.length, 0);
  const truthIndex = new Int32Array(locations).fill(-1);
  const score = new Float64Array(locations);
  const { candidates, overlaps, costs } = softLabelCosts(input);

  const takenBy = candidates.map((): number[] => []);
  costs.forEach((cost, g) => {
    const largest = [...overlaps[g]].sort((a, b) => b - a).slice(0, topk);
    const count = Math.max(1, Math.floor(largest.reduce((a, b) => a + b, 0)));
    const cheapest = candidates.map((_, at) => at).sort((a, b) => cost[a] - cost[b] || a - b);
    for (const at of cheapest.slice(0, count)) takenBy[at].push(g);
  });
  candidates.forEach((i, at) => {
    if (takenBy[at].length === 0) return;
    const all = costs.map((cost) => cost[at]);
    const g = takenBy[at].length === 1 ? takenBy[at][0] : all.indexOf(Math.min(...all));
    truthIndex[i] = g;
    score[i] = overlaps[g][at];
  });
  return {
    levels,
    state: Int8Array.from(truthIndex, (g) => (g < 0 ? 0 : 1)),
    label: truthIndex.map((g) => (g < 0 ? -1 : labels[g])),
    truthIndex,
    score,
  };
}
