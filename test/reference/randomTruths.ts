import fc from 'fast-check';
import type { Box } from './boxes.js';

/** Up to six boxes of a few pixels up to the image's size, inside or somewhat outside of it, with labels 0..4. */
export function truths(width: number, height: number): fc.Arbitrary<{ boxes: Box[]; labels: number[] }> {
  const between = (min: number, max: number) => fc.double({ min, max, noNaN: true });
  const box = fc
    .tuple(between(0, width), between(0, height), between(3, width), between(3, height))
    .map(([x, y, w, h]): Box => [x - w / 2, y - h / 2, x + w / 2, y + h / 2]);
  return fc
    .array(fc.tuple(box, fc.integer({ min: 0, max: 4 })), { minLength: 1, maxLength: 6 })
    .map((pairs) => ({ boxes: pairs.map(([b]) => b), labels: pairs.map(([, label]) => label) }));
}
