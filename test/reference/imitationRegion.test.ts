import { expect, test } from 'vitest';
import type { Box } from './boxes.js';
import { expectClose } from './closeTo.js';
import { centralDifferences } from './differences.js';
import { gridLevels } from './grid.js';
import { imitationLoss } from './imitation.js';
import { giboxRegion, imitationRegion } from './imitationRegion.js';
import { noise } from './noise.js';

const levels = gridLevels({ width: 32, height: 16, strides: [8, 16] });
const boxes: Box[] = [[0, 0, 17, 15]];
const region = (method: 'whole' | 'inside' | 'main' | 'finegrained' | 'decouple') =>
  Array.from(imitationRegion(method, levels, { boxes }, [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]));

test('whole, inside, main, decouple by hand: a centre on the edge of a box is not inside', () => {
  expect(region('whole')).toEqual(new Array(10).fill(1));
  // Centres (0..24, 0), (0..24, 8); then (0, 0), (16, 0).
  expect(region('inside')).toEqual([0, 0, 0, 0, 0, 1, 1, 0, 0, 0]);
  expect(region('decouple')).toEqual(region('inside'));
  expect(region('main')).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
});

test('finegrained: more than half of the best IoU over every level', () => {
  // A box that is exactly one anchor of the second level: the best IoU is 1, the first level's quarter-size anchors have 1/4.
  const anchor = levels[1].anchors[1];
  const mask = imitationRegion('finegrained', levels, { boxes: [anchor] }, []);
  // The other anchor of that level is shifted by an eighth of its side: IoU 7/9.
  expect(Array.from(mask)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
  expect(imitationRegion('finegrained', levels, { boxes: [] }, []).includes(1)).toBe(false);
});

const ltrb = (bins: number) => ({ parameters: 'ltrb', bins, anchor: 8 }) as const;

/** Logits of boxes whose four distances are all `distance` (an integer bin), [B, 4*bins, size]. */
function sharpBoxes(batch: number, bins: number, size: number, distance: (image: number, cell: number) => number) {
  return Float64Array.from({ length: batch * 4 * bins * size }, (_, i) => {
    const image = Math.floor(i / (4 * bins * size));
    const bin = Math.floor(i / size) % bins;
    return bin === distance(image, i % size) ? 100 : 0;
  });
}

test('gibox: the box is that of the network which scores higher; suppression drops the lesser of two alike', () => {
  const [level] = gridLevels({ width: 24, height: 8, strides: [8] });
  const shared = { level, batch: 1, classes: 2, parameters: ltrb(9), scope: 'batch' } as const;
  // Differences +, -, + at the cells, the greatest in the middle; class 1 decides.
  const teacherClass = [0, 0, 0, 1, 0, 0.5];
  const studentClass = [0, 0, 0, 0, 3, 0];
  // All teacher boxes are 16 wide, all student boxes 2 wide.
  const student = { classLogits: studentClass, boxLogits: sharpBoxes(1, 9, 3, () => 1) };
  const teacher = { classLogits: teacherClass, boxLogits: sharpBoxes(1, 9, 3, () => 8) };
  // The middle one has the small student box; the outer two have large boxes that overlap by 14 of 18: one is dropped.
  expect(Array.from(giboxRegion({ ...shared, student, teacher }))).toEqual([1, 1, 0]);
  // Were the middle the teacher's too, it would suppress both.
  const swapped = { ...student, boxLogits: teacher.boxLogits };
  expect(Array.from(giboxRegion({ ...shared, student: swapped, teacher }))).toEqual([0, 1, 0]);
});

test('gibox: ten at most a batch, or ten an image; only the batch form suppresses across images', () => {
  const [level] = gridLevels({ width: 64, height: 64, strides: [8] });
  const size = 64;
  const tiny = sharpBoxes(2, 5, size, () => 0);
  const wide = sharpBoxes(2, 5, size, () => 4);
  const classLogits = noise(1, 2 * size);
  const count = (boxLogits: Float64Array, scope: 'batch' | 'image') => {
    const student = { classLogits: new Float64Array(2 * size), boxLogits };
    const teacher = { classLogits, boxLogits };
    return giboxRegion({ level, batch: 2, classes: 1, parameters: ltrb(5), student, teacher, scope }).reduce(
      (a, b) => a + b,
      0,
    );
  };
  expect(count(tiny, 'batch')).toBe(10);
  expect(count(tiny, 'image')).toBe(20);
  expect(count(wide, 'image')).toBeGreaterThan(count(wide, 'batch'));
});

test('imitation loss: a mean over selected locations and channels, its gradient the central difference', () => {
  const [batch, channels, size] = [2, 3, 4];
  const student = noise(2, batch * channels * size);
  const teacher = noise(3, batch * channels * size);
  const selected = [1, 0, 0, 0, 0, 1, 1, 0];
  const loss = (x: ArrayLike<number>) => imitationLoss(x, teacher, selected, batch).loss;
  let sum = 0;
  for (const [image, cell] of [
    [0, 0],
    [1, 1],
    [1, 2],
  ]) {
    for (let c = 0; c < channels; c++) {
      const at = (image * channels + c) * size + cell;
      sum += (student[at] - teacher[at]) ** 2;
    }
  }
  expect(loss(student)).toBeCloseTo(sum / 9, 12);
  const { gradient } = imitationLoss(student, teacher, selected, batch);
  expectClose(gradient, centralDifferences(loss, student), { absolute: 1e-8 });
  expect(imitationLoss(student, teacher, new Array(8).fill(0), batch).loss).toBe(0);
});
