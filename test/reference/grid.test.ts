import { expect, test } from 'vitest';
import { gridLevels, locationCount } from './grid.js';

test('maps are ceil(size / stride); anchors are eight strides wide around the cell’s top-left corner', () => {
  const levels = gridLevels({ width: 100, height: 40, strides: [8, 16, 64] });
  expect(levels.map(({ width, height, first }) => [width, height, first])).toEqual([
    [13, 5, 0],
    [7, 3, 65],
    [2, 1, 86],
  ]);
  expect(locationCount(levels)).toBe(88);
  expect(levels[1].centres[8]).toEqual([16, 16]);
  expect(levels[1].anchors[8]).toEqual([-48, -48, 80, 80]);
});

test('the centre offset moves the anchor by that many strides', () => {
  const [level] = gridLevels({ width: 32, height: 32, strides: [16], octaveBaseScale: 4, centreOffset: 0.5 });
  expect(level.centres).toEqual([
    [8, 8],
    [24, 8],
    [8, 24],
    [24, 24],
  ]);
  expect(level.anchors[0]).toEqual([-24, -24, 40, 40]);
});
