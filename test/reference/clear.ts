import { assignAtss } from './atss.js';
import { type Box, diou, insideMargin, iof, iou, pseudoDiou } from './boxes.js';
import type { VlrInput } from './vlr.js';

/** By more f32 does not round an IoU or a threshold, which is a mean and a deviation of up to 256 of them. */
const ROUNDING = 4e-6;

/**
 * Whether f32 decides about one image as f64 does: nothing is so near a threshold or another's value that rounding decides. What
 * is exactly equal in f64, as with boxes of whole pixels, is equal in f32.
 * @param input without `form` the valuable region is not looked at
 */
export function isClear(input: Omit<VlrInput, 'form'> & { form?: VlrInput['form'] }): boolean {
  const { boxes, ignore = [], topk = 9, ignoreIofThreshold = -1, form, gamma = 0.25 } = input;
  const { levels, thresholds } = assignAtss(input);
  const covers = (anchor: Box) => ignore.map((region) => iof(anchor, region));
  const ignored = (anchor: Box) => ignoreIofThreshold > 0 && covers(anchor).some((share) => share > ignoreIofThreshold);

  const ranked = boxes.every((box) =>
    levels.every(({ centres, anchors }) => {
      const [x, y] = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
      const distances = centres
        .filter((_, cell) => !ignored(anchors[cell]))
        .map(([cx, cy]) => (cx - x) ** 2 + (cy - y) ** 2)
        .sort((a, b) => a - b);
      return !near(distances[topk - 1], distances[topk], 1e-5 * distances[topk]);
    }),
  );

  const decided = (anchor: Box, [x, y]: [number, number]): boolean => {
    if (ignoreIofThreshold > 0 && covers(anchor).some((share) => near(share, ignoreIofThreshold))) return false;
    const overlaps = boxes.map((box) => iou(anchor, box));
    return boxes.every((box, g) => {
      const margin = insideMargin(x, y, box);
      if (near(margin, 0.01, 1e-3)) return false;
      const positive = () => !near(overlaps[g], thresholds[g]) && overlaps.every((other) => !near(other, overlaps[g]));
      if (margin > 0 && !positive()) return false;
      if (form === undefined) return true;
      const closeness = form === 'paper' ? diou(anchor, box) : pseudoDiou(anchor, box);
      if (near(closeness, thresholds[g]) || near(closeness, gamma * thresholds[g])) return false;
      // f32 may round a sliver of overlap away.
      return overlaps[g] === 0 || overlaps[g] > ROUNDING;
    });
  };
  return (
    ranked && levels.every(({ anchors, centres }) => anchors.every((anchor, cell) => decided(anchor, centres[cell])))
  );
}

function near(a: number, b: number, by = ROUNDING): boolean {
  return a !== b && Math.abs(a - b) < by;
}
