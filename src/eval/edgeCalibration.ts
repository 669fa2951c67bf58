import type { CocoAnnotation, GroundTruth } from '../data/groundTruth.js';
import { intersectionOverUnion } from './averagePrecision.js';
import type { Detection } from './detections.js';

/** Least IoU at which a detection has found its object. */
const MIN_IOU = 0.5;
const BINS = 10;

/** The uncertainty of a detection's edges, by their distributions. */
export interface EdgeSpread {
  /** Standard deviation of the distributions of left, top, right and bottom edge, in strides. */
  deviations: ArrayLike<number>;
  /** Pixels of the original image that a stride of the detection's level is. */
  stride: number;
}

/** Edges of similar spread. All bins have the same number of edges; they come in order of rising spread. */
export interface CalibrationBin {
  /** Mean standard deviation of the edges' distributions. */
  meanSpread: number;
  /** Mean of |edge − that of the ground truth|. */
  meanError: number;
  /** Edges in the bin. */
  count: number;
}

/** Error against spread. */
export interface CalibrationCurve {
  /** At most ten, none of them empty. */
  bins: CalibrationBin[];
  /** Rank correlation of spread and error, −1 … 1; 0 where one of them is the same everywhere. */
  spearman: number;
}

/**
 * Does a flat distribution mean an uncertain edge? The curve itself is in strides of each detection's level; `pixels` is the
 * same in pixels of the original images, where large objects have the larger spread and the larger error.
 */
export interface EdgeCalibration extends CalibrationCurve {
  /** Four for each detection that was matched. */
  edges: number;
  /** The same in pixels of the original images. */
  pixels: CalibrationCurve;
}

/**
 * Compares the spread of the edges' distributions with the edges' true errors, over the detections that find an object: by
 * falling score, each takes the free ground truth of its image and class with the highest IoU of at least 0.5. Crowds do not
 * count. Edges are those of the detections, cut off at the image's border.
 * @param spreads one for each detection
 */
export function edgeCalibration(
  truth: GroundTruth,
  detections: readonly Detection[],
  spreads: readonly EdgeSpread[],
): EdgeCalibration {
  const free = new Map<string, Set<CocoAnnotation>>();
  for (const annotation of truth.annotations) {
    if (annotation.iscrowd) continue;
    const key = keyOf(annotation);
    const known = free.get(key);
    if (known) known.add(annotation);
    else free.set(key, new Set([annotation]));
  }
  const order = detections.map((_, i) => i).sort((a, b) => detections[b].score - detections[a].score);
  const strides: Edge[] = [];
  const pixels: Edge[] = [];
  for (const i of order) {
    const candidates = free.get(keyOf(detections[i]));
    const match = candidates && bestMatch(detections[i], candidates);
    if (!match) continue;
    candidates.delete(match);
    const [own, true_] = [edgesOf(detections[i].bbox), edgesOf(match.bbox)];
    const { deviations, stride } = spreads[i];
    for (let edge = 0; edge < 4; edge++) {
      const error = Math.abs(own[edge] - true_[edge]);
      strides.push({ spread: deviations[edge], error: error / stride });
      pixels.push({ spread: deviations[edge] * stride, error });
    }
  }
  return { edges: strides.length, ...curveOf(strides), pixels: curveOf(pixels) };
}

interface Edge {
  spread: number;
  error: number;
}

function bestMatch({ bbox }: Detection, candidates: Iterable<CocoAnnotation>): CocoAnnotation | null {
  let best: CocoAnnotation | null = null;
  let highest = MIN_IOU;
  for (const candidate of candidates) {
    const overlap = intersectionOverUnion(bbox, candidate);
    if (overlap < highest || (best && overlap === highest)) continue;
    highest = overlap;
    best = candidate;
  }
  return best;
}

function curveOf(edges: readonly Edge[]): CalibrationCurve {
  const sorted = [...edges].sort((a, b) => a.spread - b.spread);
  const bins = Array.from({ length: BINS }, (_, bin) => {
    const at = (share: number) => Math.floor((share * sorted.length) / BINS);
    const members = sorted.slice(at(bin), at(bin + 1));
    const mean = (name: keyof Edge) => members.reduce((sum, edge) => sum + edge[name], 0) / members.length;
    return { meanSpread: mean('spread'), meanError: mean('error'), count: members.length };
  });
  const ranks = (['spread', 'error'] as const).map((name) => ranksOf(edges.map((edge) => edge[name])));
  return { bins: bins.filter(({ count }) => count > 0), spearman: correlation(ranks[0], ranks[1]) };
}

/** Position of each value among all, from 0; equal values share the mean of theirs. */
function ranksOf(values: readonly number[]): Float64Array {
  const order = values.map((_, i) => i).sort((a, b) => values[a] - values[b]);
  const ranks = new Float64Array(values.length);
  for (let first = 0; first < order.length; ) {
    let end = first + 1;
    while (end < order.length && values[order[end]] === values[order[first]]) end++;
    for (let i = first; i < end; i++) ranks[order[i]] = (first + end - 1) / 2;
    first = end;
  }
  return ranks;
}

/** Pearson's, of ranks: Spearman's ρ. */
function correlation(x: Float64Array, y: Float64Array): number {
  const middle = (x.length - 1) / 2; // the mean rank, with and without equal ones
  let [xy, xx, yy] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    xy += (x[i] - middle) * (y[i] - middle);
    xx += (x[i] - middle) ** 2;
    yy += (y[i] - middle) ** 2;
  }
  return xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : 0;
}

function keyOf({ image_id, category_id }: { image_id: number; category_id: number }): string {
  return `${image_id} ${category_id}`;
}

/** Left, top, right, bottom. */
function edgesOf([x, y, width, height]: Detection['bbox']): number[] {
  return [x, y, x + width, y + height];
}
