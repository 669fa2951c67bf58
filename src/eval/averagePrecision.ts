import type { CocoAnnotation, GroundTruth } from '../data/groundTruth.js';
import type { Detection } from './detections.js';

// The parameters of COCO's evaluation (Params.setDetParams of pycocotools), thresholds as NumPy's linspace gives them.
const IOU_THRESHOLDS = linspace(0.5, 0.95, 10);
const RECALL_POINTS = linspace(0, 1, 101);
const MAX_DETECTIONS = 100;
/** Bounds of an object's area in square pixels, both included. */
const AREAS = {
  all: [0, 1e10],
  small: [0, 32 ** 2],
  medium: [32 ** 2, 96 ** 2],
  large: [96 ** 2, 1e10],
} as const;

/** Names of the twelve figures, in the order of `AveragePrecision.stats`. */
export const STATISTICS = 'AP AP50 AP75 APs APm APl AR1 AR10 AR100 ARs ARm ARl'.split(' ');

/** What `averagePrecision` finds, as shares of 1. */
export interface AveragePrecision {
  /** The twelve COCO figures, see {@link STATISTICS}; −1 where no ground truth makes a figure defined. */
  stats: number[];
  /** AP over all thresholds of each class, by name; −1 for a class without ground truth. */
  perClass: Record<string, number>;
  /** AP at each IoU threshold 0.50, 0.55 … 0.95. */
  perThreshold: number[];
  /** The curves that two of the figures come from. */
  precisionRecall: PrecisionRecall;
}

/** Precision at each recall, for the classes that have ground truth. */
export interface PrecisionRecall {
  /** 0, 0.01 … 1 */
  recall: number[];
  /** Precision at these recalls, counting detections from an IoU of 0.5 and of 0.75 on; 0 at a recall that is not reached. */
  classes: {
    /** The class's. */
    name: string;
    /** At IoU 0.5. */
    at50: number[];
    /** At IoU 0.75. */
    at75: number[];
  }[];
}

/** One class in one image: its detections by falling score, and how each counts at each threshold. */
interface ImageOutcome {
  scores: number[];
  /** [threshold][detection] */
  counts: Uint8Array[];
  /** Ground truths that a detection ought to find. */
  wanted: number;
}
const FALSE_POSITIVE = 0;
const TRUE_POSITIVE = 1;
const IGNORED = 2;

/** AP and recall of one class at each threshold. */
interface ClassResult {
  precision: number[];
  recall: number[];
  /** Precision at the 101 recalls, for each threshold. */
  curves: number[][];
}

/**
 * COCO average precision for boxes, as pycocotools computes it. One known fault of pycocotools is not repeated:
 * there an annotation with id 0 can never be found.
 *
 * @param truth every annotation counts: a box without area can be missed but not found
 * @param detections at most the 100 of highest score of each image and class count; equal scores keep their order
 * @see https://github.com/cocodataset/cocoapi/blob/master/PythonAPI/pycocotools/cocoeval.py
 */
export function averagePrecision(truth: GroundTruth, detections: readonly Detection[]): AveragePrecision {
  const truths = group(truth.annotations);
  const found = group(detections);
  const imageIds = truth.images.map(({ id }) => id).sort((a, b) => a - b);
  const categories = [...truth.categories].sort((a, b) => a.id - b.id);

  const results = categories.map((category) => {
    const outcomes = { all: [], small: [], medium: [], large: [] } as Record<keyof typeof AREAS, ImageOutcome[]>;
    for (const imageId of imageIds) {
      const boxes = truths.get(`${imageId} ${category.id}`) ?? [];
      const candidates = [...(found.get(`${imageId} ${category.id}`) ?? [])]
        .sort((a, b) => b.score - a.score)
        .slice(0, MAX_DETECTIONS);
      if (boxes.length === 0 && candidates.length === 0) continue;
      const overlap = candidates.map(({ bbox }) => boxes.map((box) => intersectionOverUnion(bbox, box)));
      for (const area of Object.keys(AREAS) as (keyof typeof AREAS)[])
        outcomes[area].push(matchImage(boxes, candidates, overlap, AREAS[area]));
    }
    return {
      category,
      all: accumulate(outcomes.all, 100),
      best1: accumulate(outcomes.all, 1),
      best10: accumulate(outcomes.all, 10),
      small: accumulate(outcomes.small, 100),
      medium: accumulate(outcomes.medium, 100),
      large: accumulate(outcomes.large, 100),
    };
  });

  const ap = (key: 'all' | 'small' | 'medium' | 'large', threshold?: number) =>
    mean(results.flatMap((result) => select(result[key]?.precision, threshold)));
  const ar = (key: 'best1' | 'best10' | 'all' | 'small' | 'medium' | 'large') =>
    mean(results.flatMap((result) => result[key]?.recall ?? []));
  return {
    stats: [
      ...[ap('all'), ap('all', IOU_THRESHOLDS.indexOf(0.5)), ap('all', IOU_THRESHOLDS.indexOf(0.75))],
      ...[ap('small'), ap('medium'), ap('large')],
      ...[ar('best1'), ar('best10'), ar('all'), ar('small'), ar('medium'), ar('large')],
    ],
    perClass: Object.fromEntries(results.map(({ category, all }) => [category.name, mean(all?.precision ?? [])])),
    perThreshold: IOU_THRESHOLDS.map((_, threshold) => ap('all', threshold)),
    precisionRecall: {
      recall: RECALL_POINTS,
      classes: results.flatMap(({ category: { name }, all }) => {
        const at = (iou: number) => all?.curves[IOU_THRESHOLDS.indexOf(iou)] ?? [];
        return all ? [{ name, at50: at(0.5), at75: at(0.75) }] : [];
      }),
    },
  };
}

/**
 * Greedy matching of one image and class (COCOeval.evaluateImg): by falling score, each detection takes the free ground
 * truth of highest IoU. It takes an ignored one only if no other fits; a crowd may be taken many times.
 */
function matchImage(
  boxes: readonly CocoAnnotation[],
  candidates: Detection[],
  overlap: number[][],
  [low, high]: readonly [number, number],
): ImageOutcome {
  const outside = (area: number) => area < low || area > high;
  const isIgnored = boxes.map(({ area, iscrowd }) => iscrowd === 1 || outside(area));
  const indices = boxes.map((_, index) => index);
  const order = [...indices.filter((i) => !isIgnored[i]), ...indices.filter((i) => isIgnored[i])];

  const counts = IOU_THRESHOLDS.map((threshold) => {
    const taken = new Uint8Array(boxes.length);
    return Uint8Array.from(candidates, ({ bbox }, candidate) => {
      let best = Math.min(threshold, 1 - 1e-10);
      let match = -1;
      for (const index of order) {
        if (taken[index] && !boxes[index].iscrowd) continue;
        if (match >= 0 && !isIgnored[match] && isIgnored[index]) break;
        if (overlap[candidate][index] < best) continue;
        best = overlap[candidate][index];
        match = index;
      }
      if (match < 0) return outside(bbox[2] * bbox[3]) ? IGNORED : FALSE_POSITIVE;
      taken[match] = 1;
      return isIgnored[match] ? IGNORED : TRUE_POSITIVE;
    });
  });
  return {
    scores: candidates.map(({ score }) => score),
    counts,
    wanted: isIgnored.filter((ignored) => !ignored).length,
  };
}

/**
 * Precision, made monotone and read at 101 recalls, and the largest recall (COCOeval.accumulate).
 * @returns undefined where nothing is to be found
 */
function accumulate(outcomes: ImageOutcome[], mostPerImage: number): ClassResult | undefined {
  const wanted = outcomes.reduce((sum, outcome) => sum + outcome.wanted, 0);
  if (wanted === 0) return undefined;
  const ranked = outcomes
    .flatMap(({ scores, counts }) =>
      scores.slice(0, mostPerImage).map((score, detection) => ({ score, detection, counts })),
    )
    .sort((a, b) => b.score - a.score);

  const result: ClassResult = { precision: [], recall: [], curves: [] };
  for (let threshold = 0; threshold < IOU_THRESHOLDS.length; threshold++) {
    const precision = new Float64Array(ranked.length);
    const recall = new Float64Array(ranked.length);
    let truePositives = 0;
    let falsePositives = 0;
    ranked.forEach(({ detection, counts }, i) => {
      const count = counts[threshold][detection];
      if (count === TRUE_POSITIVE) truePositives++;
      if (count === FALSE_POSITIVE) falsePositives++;
      precision[i] = truePositives / (truePositives + falsePositives + Number.EPSILON);
      recall[i] = truePositives / wanted;
    });
    for (let i = ranked.length - 1; i > 0; i--) precision[i - 1] = Math.max(precision[i - 1], precision[i]);

    let position = 0;
    const curve = RECALL_POINTS.map((point) => {
      while (position < ranked.length && recall[position] < point) position++;
      return position < ranked.length ? precision[position] : 0;
    });
    result.curves.push(curve);
    result.precision.push(mean(curve));
    result.recall.push(truePositives / wanted);
  }
  return result;
}

/** IoU of a detection and a ground truth; with a crowd, the part of the detection that lies inside it (maskApi.c, bbIou). */
export function intersectionOverUnion(bbox: Detection['bbox'], truth: CocoAnnotation): number {
  const [x, y, width, height] = bbox;
  const [truthX, truthY, truthWidth, truthHeight] = truth.bbox;
  const w = Math.min(x + width, truthX + truthWidth) - Math.max(x, truthX);
  const h = Math.min(y + height, truthY + truthHeight) - Math.max(y, truthY);
  if (!(w > 0 && h > 0)) return 0;
  const area = width * height;
  return (w * h) / (truth.iscrowd ? area : area + truthWidth * truthHeight - w * h);
}

function group<T extends { image_id: number; category_id: number }>(entries: Iterable<T>): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const entry of entries) {
    const key = `${entry.image_id} ${entry.category_id}`;
    const members = groups.get(key);
    if (members) members.push(entry);
    else groups.set(key, [entry]);
  }
  return groups;
}

function select(values: number[] | undefined, index: number | undefined): number[] {
  if (!values) return [];
  return index === undefined ? values : [values[index]];
}

const mean = (values: number[]) => (values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : -1);

function linspace(start: number, stop: number, count: number): number[] {
  const step = (stop - start) / (count - 1);
  return Array.from({ length: count }, (_, i) => (i === count - 1 ? stop : start + i * step));
}
