import { type Box, insideMargin, iof, iou } from './boxes.js';
import { type GridLevel, type GridOptions, gridLevels, locationCount } from './grid.js';

export interface AtssInput extends GridOptions {
  /** Ground truths of one image, pixels. */
  boxes: readonly Box[];
  labels: readonly number[];
  /** Regions to ignore, pixels; without effect unless `ignoreIofThreshold` > 0. */
  ignore?: readonly Box[] | undefined;
  /** Nearest anchors a level and ground truth. 9 unless given. */
  topk?: number | undefined;
  /** Anchors whose IoF with an ignore region exceeds it are ignored. -1 (off) unless given. */
  ignoreIofThreshold?: number | undefined;
}

/** Per location of one image, levels concatenated, row-major. */
export interface AtssAssignment {
  levels: GridLevel[];
  /** 1 positive, 0 negative, -1 ignored (neither; label weight 0). */
  state: Int8Array;
  /** Class of a positive, -1 elsewhere. */
  label: Int32Array;
  /** Ground truth of a positive, -1 elsewhere. */
  truthIndex: Int32Array;
  /** t_g = mean + standard deviation of the candidates' IoU, per ground truth; NaN where fewer than two candidates. */
  thresholds: Float64Array;
}

/** Centre of a positive must be further inside its ground truth than this, pixels. */
const INSIDE_MARGIN = 0.01;

/** Anchors covered by an ignore region by more than the threshold (intersection / anchor area). */
export function ignoredAnchors(anchors: readonly Box[], ignore: readonly Box[], threshold: number): boolean[] {
  return anchors.map((anchor) => threshold > 0 && ignore.some((region) => iof(anchor, region) > threshold));
}

/**
 * The candidates of one ground truth: per level the min(topk, level size) nearest anchor centres, by (distance, index).
 * Ignored anchors are infinitely far, but are taken where a level has too few others, as in the reference.
 */
function candidates(levels: readonly GridLevel[], truth: Box, topk: number, far: readonly boolean[]): number[] {
  const x = (truth[0] + truth[2]) / 2;
  const y = (truth[1] + truth[3]) / 2;
  return levels.flatMap((level) => {
    const byDistance = level.centres.map(([cx, cy], cell) => ({
      location: level.first + cell,
      distance: far[level.first + cell] ? Number.POSITIVE_INFINITY : (cx - x) ** 2 + (cy - y) ** 2,
    }));
    byDistance.sort((a, b) => {
      if (a.distance !== b.distance) return a.distance < b.distance ? -1 : 1;
      return a.location - b.location;
    });
    return byDistance.slice(0, topk).map(({ location }) => location);
  });
}

/** Mean plus unbiased standard deviation; NaN for fewer than two values. */
function meanPlusDeviation(values: readonly number[]): number {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1);
  return values.length < 2 ? Number.NaN : mean + Math.sqrt(variance);
}

/**
 * Adaptive training sample selection (Zhang et al., CVPR 2020) for one image, as in LD's reference implementation.
 * A location that is positive for several ground truths takes the one of highest IoU, then of lowest index.
 */
export function assignAtss(input: AtssInput): AtssAssignment {
  const { boxes, labels, ignore = [], topk = 9, ignoreIofThreshold = -1 } = input;
  const levels = gridLevels(input);
  const count = locationCount(levels);
  const anchors = levels.flatMap((level) => level.anchors);
  const centres = levels.flatMap((level) => level.centres);
  const state = new Int8Array(count);
  const label = new Int32Array(count).fill(-1);
  const truthIndex = new Int32Array(count).fill(-1);
  const thresholds = new Float64Array(boxes.length);
  const bestIou = new Float64Array(count).fill(Number.NEGATIVE_INFINITY);

  const ignored = ignoredAnchors(anchors, ignore, boxes.length > 0 ? ignoreIofThreshold : -1);
  for (let i = 0; i < count; i++) if (ignored[i]) state[i] = -1;

  boxes.forEach((truth, g) => {
    const chosen = candidates(levels, truth, topk, ignored);
    thresholds[g] = meanPlusDeviation(chosen.map((i) => iou(anchors[i], truth)));
    for (const i of chosen) {
      const overlap = iou(anchors[i], truth);
      if (!(overlap >= thresholds[g])) continue;
      if (!(insideMargin(...centres[i], truth) > INSIDE_MARGIN)) continue;
      if (overlap <= bestIou[i]) continue;
      bestIou[i] = overlap;
      state[i] = 1;
      label[i] = labels[g];
      truthIndex[i] = g;
    }
  });
  return { levels, state, label, truthIndex, thresholds };
}
