import { type GridOptions, gridLevels } from './grid.js';
import { noise } from './noise.js';
import type { ImagePredictions } from './types.js';

/** Class logits of deviation 2 and boxes of a stride up to several around each centre, the same for the same seed. */
export function randomPredictions(grid: GridOptions, classes: number, seed: number): ImagePredictions {
  const places = gridLevels(grid).flatMap(({ stride, centres }) => centres.map((centre) => ({ stride, centre })));
  const logits = noise(seed, places.length * classes, 2);
  const edges = noise(seed + 1, places.length * 4).map(Math.exp);
  return {
    logits: places.map((_, i) => logits.slice(i * classes, (i + 1) * classes)),
    predicted: places.map(({ stride, centre: [x, y] }, i) => {
      const [left, top, right, bottom] = edges.slice(4 * i, 4 * i + 4).map((edge) => stride * edge);
      return [x - left, y - top, x + right, y + bottom];
    }),
  };
}
