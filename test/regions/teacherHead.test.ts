/** Which level and which cell of a teacher teaches a location, on the host. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeGrid } from '../../src/regions/grid.js';
import { matchTeacher, type TeacherHeadOptions, teacherPlace } from '../../src/regions/teacherHead.js';
import { InputError } from '../../src/util/error.js';
import { expectClose } from '../reference/closeTo.js';
import { gridLevels } from '../reference/grid.js';
import { type TeacherForm, teacherViews } from '../reference/rebin.js';

const imageSize = { width: 640, height: 320 };
const student = { grid: makeGrid({ imageSize, strides: [8, 16, 32, 64, 128] }), bins: 17 };
const levelsOf = (options: TeacherHeadOptions) =>
  matchTeacher(student, options).levels.map((one) => one?.level ?? null);

test('the same head is neither mapped nor re-binned', () => {
  for (const options of [undefined, {}, { bins: 17, strides: [8, 16, 32, 64, 128], imageSize, centreOffset: 0 }]) {
    expect(matchTeacher(student, options)).toMatchObject({ isMapped: false, isRebinned: false, bins: 17 });
  }
});

test('levels of the same stride teach, in whatever order, and more of them change nothing', () => {
  expect(levelsOf({ strides: [128, 64, 32, 16, 8] })).toEqual([4, 3, 2, 1, 0]);
  expect(matchTeacher(student, { strides: [128, 64, 32, 16, 8, 4] })).toMatchObject({
    isMapped: false,
    isRebinned: false,
  });
});

test('a level without one that is less than twice as fine or coarse is not taught, unless the nearest is asked for', () => {
  expect(levelsOf({ strides: [8, 16, 32] })).toEqual([0, 1, 2, null, null]);
  expect(matchTeacher(student, { strides: [8, 16, 32] })).toMatchObject({ isMapped: true, isRebinned: false });
  expect(levelsOf({ strides: [8, 16, 32], levels: 'nearest' })).toEqual([0, 1, 2, 2, 2]);
  expect(levelsOf({ strides: [12, 24, 48] })).toEqual([0, 0, 1, 2, null]);
});

test('strides are shares of the image', () => {
  const double = { width: 1280, height: 640 };
  expect(levelsOf({ strides: [16, 32, 64, 128, 256], imageSize: double })).toEqual([0, 1, 2, 3, 4]);
  expect(levelsOf({ imageSize: double })).toEqual([1, 2, 3, 4, null]);
  const same = { strides: [16, 32, 64, 128, 256], imageSize: double };
  expect(matchTeacher(student, same)).toMatchObject({ isMapped: false, isRebinned: false });
  expect(levelsOf({ imageSize: { width: 960, height: 480 } })).toEqual([1, 2, 3, 4, 4]);
});

test.each<[string, TeacherHeadOptions, RegExp]>([
  ['bins', { bins: 65 }, /^bins: 65; expected an integer from 1 to 64/],
  ['levels', { levels: 'all' as 'close' }, /^levels: .*expected one of close, nearest/],
  [
    'strides',
    { strides: [1, 2] },
    /^teacher\.strides: none of 1,2 on 640×320 is close to .*set teacher\.levels to nearest/,
  ],
  ['centreOffset', { centreOffset: Number.NaN }, /^centreOffset: NaN/],
])('wrong %s are one clear line', (_name, options, message) => {
  expect(() => matchTeacher(student, options)).toThrow(InputError);
  expect(() => matchTeacher(student, options)).toThrow(message);
});

test('the cell and the distances of any location are those of the reference', () => {
  const sizes = fc.record({ width: fc.integer({ min: 20, max: 200 }), height: fc.integer({ min: 20, max: 200 }) });
  const offsets = fc.constantFrom(0, 0.5, 0.25);
  const strides = fc.constantFrom([8, 16, 32], [32, 16], [6, 12], [10]);
  fc.assert(
    fc.property(sizes, sizes, offsets, offsets, strides, (own, imageSize, centreOffset, other, teacherStrides) => {
      const given = { ...own, strides: [8, 16], batch: 1, classes: 1, bins: 9 };
      const form: TeacherForm = { centreOffset: other, strides: [...teacherStrides], imageSize, levels: 'nearest' };
      const grid = makeGrid({ imageSize: own, strides: given.strides, centreOffset });
      const head = matchTeacher({ grid, bins: 9 }, form);
      const views = teacherViews(given, centreOffset, form);
      for (const [level, { anchors }] of gridLevels(given).entries()) {
        expect(head.levels[level]?.level).toBe(views[level]?.level);
        for (const cell of anchors.keys()) {
          const { index, lines } = teacherPlace(head, grid, level, cell);
          expect(index).toBe(views[level]!.place(0, cell, 0, 1, 1).cell);
          const distances = lines.map(({ slope, shift }) => slope * 3 + shift);
          expectClose(
            distances,
            [0, 1, 2, 3].map((edge) => views[level]!.position(cell, edge, 3)),
            { absolute: 1e-9 },
          );
        }
      }
    }),
  );
});
