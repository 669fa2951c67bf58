import { expect, test } from 'vitest';
import { gridParams, makeGrid } from '../../src/regions/grid.js';

test('levels are ceil(size / stride), in pixels of the padded image', () => {
  const grid = makeGrid({ imageSize: { width: 100, height: 60 }, strides: [8, 16, 128] });
  expect(grid.levels).toEqual([
    { height: 8, width: 13 },
    { height: 4, width: 7 },
    { height: 1, width: 1 },
  ]);
  expect(grid.areas).toEqual([104, 28, 1]);
  expect(grid.locations).toBe(133);
  expect(gridParams(grid, 2)).toEqual({
    batch: 2,
    level_count: 3,
    half_side: 4,
    centre_offset: 0,
    levels: [0, 8, 13, 8, 104, 4, 7, 16, 132, 1, 1, 128],
  });
});

test('a wrong option is named', () => {
  const right = { imageSize: { width: 64, height: 64 }, strides: [8] };
  expect(() => makeGrid({ ...right, imageSize: { width: 0, height: 64 } })).toThrow(/imageSize: 0×64/);
  expect(() => makeGrid({ ...right, strides: [] })).toThrow(/strides: \[\]/);
  expect(() => makeGrid({ ...right, strides: [8, 0.5] })).toThrow(/strides: \[8,0.5\]/);
  expect(() => makeGrid({ ...right, strides: new Array(9).fill(8) })).toThrow(/1 to 8/);
  expect(() => makeGrid({ ...right, octaveScale: 0 })).toThrow(/octaveScale: 0/);
  expect(() => makeGrid({ ...right, centreOffset: Number.NaN })).toThrow(/centreOffset: NaN/);
});
