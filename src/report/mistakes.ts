import { FOUND_IOU, intersectionOverUnion } from './focus.js';
import type { Box, LabelledBox, Mistake } from './types.js';

/** Of less overlap a detection has nothing to do with an object (TIDE's background threshold). */
const BADLY_IOU = 0.1;

export interface ScoredBox extends LabelledBox {
  score: number;
}

/**
 * What is wrong with the detections of an image. By falling score each takes the object of its class of highest IoU, at
 * least 0.5, that is free, and is right. What overlaps an object of its class by 0.1 to 0.5 is badly placed, and that
 * object, unless something finds it, is not counted as missed too.
 * @param crowds a detection of which one covers more than half is no error
 */
export function findMistakes(
  truth: readonly LabelledBox[],
  detections: readonly ScoredBox[],
  crowds: readonly Box[] = [],
): { mistakes: Mistake[]; right: ScoredBox[] } {
  const free = new Set(truth);
  const right: ScoredBox[] = [];
  const wrong: ScoredBox[] = [];
  for (const one of [...detections].sort((a, b) => b.score - a.score)) {
    const match = nearest(one, [...free]);
    if (match && match.iou >= FOUND_IOU) {
      free.delete(match.object);
      right.push(one);
    } else {
      wrong.push(one);
    }
  }
  const mistakes = wrong.flatMap((one): Mistake[] => {
    const { box, label } = one;
    if (crowds.some((crowd) => covered(box, crowd) > 0.5)) return [];
    const match = nearest(one, truth);
    if (!match || match.iou < BADLY_IOU || match.iou >= FOUND_IOU) return [{ kind: 'false', box, label }];
    free.delete(match.object);
    return [{ kind: 'badly', box, label }];
  });
  const missed = [...free].map(({ box, label }): Mistake => ({ kind: 'missed', box, label }));
  return { mistakes: [...missed, ...mistakes], right };
}

function nearest({ box, label }: LabelledBox, objects: readonly LabelledBox[]) {
  let best: { object: LabelledBox; iou: number } | undefined;
  for (const object of objects) {
    if (object.label !== label) continue;
    const iou = intersectionOverUnion(box, object.box);
    if (!best || iou > best.iou) best = { object, iou };
  }
  return best;
}

/** Share of a box that lies in another. */
function covered(box: Box, by: Box): number {
  const width = Math.min(box[2], by[2]) - Math.max(box[0], by[0]);
  const height = Math.min(box[3], by[3]) - Math.max(box[1], by[1]);
  const area = (box[2] - box[0]) * (box[3] - box[1]);
  return width > 0 && height > 0 ? (width * height) / area : 0;
}
