import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Axes, cut, joined, newExtent, newPosition, reshapedAxes } from '../../../src/onnx/graph/classes/bands.js';
import { sizeOfShape, stridesOf } from '../../../src/onnx/graph/host.js';
import { NodeFault } from '../../../src/onnx/graph/nodeView.js';

/** Another number of classes in the middle of an axis. */
const BANDS = [
  { old: 2, new: 2 },
  { old: 3, new: 5 },
  { old: 1, new: 1 },
];

const placesOf = (element: number, shape: readonly number[]) =>
  stridesOf(shape).map((stride, axis) => Math.floor(element / stride) % shape[axis]);
const elementOf = (places: readonly number[], shape: readonly number[]) =>
  stridesOf(shape).reduce((sum, stride, axis) => sum + stride * places[axis], 0);
const widened = (shape: readonly number[], axes: Axes) =>
  shape.map((extent, axis) => (axes[axis] ? newExtent(axes[axis]) : extent));

test('positions follow what stays, and lie at the ends of what does not', () => {
  expect([0, 1, 2, 5, 6].map((position) => newPosition(BANDS, position))).toEqual([0, 1, 2, 7, 8]);
  for (const inside of [3, 4]) expect(() => newPosition(BANDS, inside)).toThrow(/of the 3 classes apart/);
  expect(cut(BANDS, 1, 5)).toEqual([
    { old: 1, new: 1 },
    { old: 3, new: 5 },
  ]);
  expect(joined([cut(BANDS, 0, 1), cut(BANDS, 1, 6)])).toEqual(BANDS);
});

/** An axis of six beside others, in a shape and in another of the same elements. */
const shapes = fc
  .record({
    before: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
    after: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
    groups: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
    ones: fc.nat(3),
  })
  .map(({ before, after, groups, ones }) => {
    const from = [...before, 6, ...after];
    const to: number[] = new Array(ones % 2).fill(1);
    for (const [i, extent] of from.entries()) {
      if (groups[i] && to.length > 0) to[to.length - 1] *= extent;
      else to.push(extent);
    }
    return { from, to: ones > 1 ? [...to, 1] : to, axis: before.length };
  });

test('a reshape moves every element that stays to where the new shape has it', () => {
  let checked = 0;
  fc.assert(
    fc.property(shapes, fc.boolean(), ({ from, to, axis }, isBack) => {
      const axes: Axes = from.map((_, i) => (i === axis ? BANDS : null));
      let result = reshapedAxes(axes, from, to);
      const [wide, other] = [widened(from, axes), widened(to, result)];
      expect(sizeOfShape(other)).toBe(sizeOfShape(wide));
      for (let element = 0; element < sizeOfShape(from); element++) {
        const places = placesOf(element, from);
        if (places[axis] >= 2 && places[axis] < 5) continue;
        const moved = elementOf(
          places.map((place, i) => (i === axis ? newPosition(BANDS, place) : place)),
          wide,
        );
        const there = placesOf(element, to).map((place, i) => (result[i] ? newPosition(result[i], place) : place));
        expect(elementOf(there, other)).toBe(moved);
      }
      if (isBack) {
        result = reshapedAxes(result, to, from);
        expect(widened(from, result)).toEqual(wide);
      }
      checked++;
    }),
    { numRuns: 200 },
  );
  expect(checked).toBeGreaterThan(100);
});

test('what would tear the classes apart is refused', () => {
  expect(() => reshapedAxes([null, BANDS], [1, 6], [1, 2, 3])).toThrow(NodeFault);
  expect(() => reshapedAxes([BANDS, BANDS], [6, 6], [36])).toThrow(/two of its axes/);
  expect(reshapedAxes([BANDS, null], [6, 4], [6, 2, 2])).toEqual([BANDS, null, null]);
});
