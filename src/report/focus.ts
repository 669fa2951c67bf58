import type { Box, EdgeBox, LabelledBox, Scene } from './types.js';

/** An annotated object that every detector finds. */
export interface Found {
  truth: LabelledBox;
  /** Of each view: the detection of highest score that has the class and an IoU of at least 0.5. */
  boxes: EdgeBox[];
  /** Largest less smallest spread of the first view's four edges, in pixels. */
  contrast: number;
}

/** The least IoU of an object that counts as found, COCO's loosest. */
export const FOUND_IOU = 0.5;

/** The objects of a scene that every detector finds, those of highest contrast first. */
export function common({ truth, views }: Pick<Scene, 'truth' | 'views'>): Found[] {
  return truth
    .flatMap((object): Found[] => {
      const boxes = views.flatMap((view) => bestMatch(object, view.boxes) ?? []);
      if (boxes.length < views.length) return [];
      const spreads = boxes[0].edges.map((edge) => spread(edge) * boxes[0].step);
      return [{ truth: object, boxes, contrast: Math.max(...spreads) - Math.min(...spreads) }];
    })
    .sort((a, b) => b.contrast - a.contrast);
}

/** The object that a scene is about; undefined where not all detectors find one. */
export function focusOf(scene: Pick<Scene, 'truth' | 'views'>): Found | undefined {
  return common(scene)[0];
}

function bestMatch({ box, label }: LabelledBox, boxes: readonly EdgeBox[]): EdgeBox | undefined {
  return boxes
    .filter((one) => one.label === label && intersectionOverUnion(one.box, box) >= FOUND_IOU)
    .reduce<EdgeBox | undefined>((best, one) => (best && best.score >= one.score ? best : one), undefined);
}

export function intersectionOverUnion(a: Box, b: Box): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (!(width > 0 && height > 0)) return 0;
  const shared = width * height;
  return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared);
}

/** Standard deviation of a distribution over bins, in bins. */
export function spread(distribution: readonly number[]): number {
  const mean = distribution.reduce((sum, p, k) => sum + p * k, 0);
  return Math.sqrt(distribution.reduce((sum, p, k) => sum + p * (k - mean) ** 2, 0));
}
