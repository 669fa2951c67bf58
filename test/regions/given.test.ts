import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assignmentMaps } from '../../src/regions/assignment.js';
import { assignmentOf, type GivenAssignment } from '../../src/regions/given.js';
import { makeGrid } from '../../src/regions/grid.js';
import { Random } from '../../src/tensor/random.js';
import { Tensor } from '../../src/tensor/tensor.js';
import { sharedDevice } from '../device.js';
import { runs } from '../runs.js';
import { readConsistent } from './readAssignment.js';

const device = await sharedDevice();
const CLASSES = 3;

/** Random entries of every location, in the order of a pyramid of one channel. */
function entries(locations: number, random: Random) {
  const each = <T>(make: () => T) => Array.from({ length: locations }, make);
  const label = each(() => (random.next() < 0.3 ? random.integer(CLASSES) : random.integer(2) * (CLASSES + 1) - 1));
  return {
    label,
    weight: each(() => (random.next() < 0.2 ? 0 : 1)),
    score: each(() => Math.fround(random.next())),
    vlr: each(() => (random.next() < 0.3 ? Math.fround(random.uniform(0.01, 1)) : 0)),
    box: each(() => [0, 1, 2, 3].map((edge) => Math.fround(random.uniform(edge < 2 ? -20 : 30, edge < 2 ? 20 : 90)))),
  };
}

/** Index among all locations, image by image, of each of the order of a pyramid. */
function imageOrder(areas: readonly number[], batch: number): number[] {
  const locations = areas.reduce((a, b) => a + b, 0);
  let before = 0;
  return areas.flatMap((area) => {
    const start = before;
    before += area;
    return Array.from({ length: batch * area }, (_, i) => Math.floor(i / area) * locations + start + (i % area));
  });
}

const cases = fc.record({
  seed: fc.nat(),
  strides: fc.constantFrom([8, 16], [32], [16, 32, 64]),
  width: fc.integer({ min: 1, max: 130 }),
  height: fc.integer({ min: 1, max: 130 }),
  batch: fc.integer({ min: 1, max: 3 }),
  order: fc.constantFrom('image' as const, 'level' as const),
  tensors: fc.boolean(),
  all: fc.boolean(),
});

test('every location learns what is given of it, in either order, from arrays and tensors', () =>
  fc.assert(
    fc.asyncProperty(cases, async ({ seed, strides, width, height, batch, order, tensors, all }) => {
      const grid = makeGrid({ imageSize: { width, height }, strides });
      const size = batch * grid.locations;
      const { label, weight, score, vlr, box } = entries(size, Random.of(seed));
      const index = order === 'level' ? label.map((_, i) => i) : imageOrder(grid.areas, batch);
      const ordered = <T>(values: readonly T[]): T[] => {
        const out = new Array<T>(size);
        for (const [i, value] of values.entries()) out[index[i]] = value;
        return out;
      };
      const give = (values: readonly number[], type: 'f32' | 'i32' = 'f32') =>
        tensors ? device.tensor([...values], [values.length], type) : [...values];
      const given = {
        ...{ grid, batch, classes: CLASSES, order },
        labels: give(ordered(label), 'i32'),
        boxes: give(ordered(box).flat()),
        ...(all && { weights: give(ordered(weight)), scores: give(ordered(score)), vlr: give(ordered(vlr)) }),
      };
      const assignment = assignmentOf(device, given);
      const targets = await assignment.targets.read();
      const maps = await readConsistent(grid, assignment);
      const positive = label.map((c, i) => c >= 0 && c < CLASSES && (!all || weight[i] > 0));
      expect(maps.label).toEqual(label.map((c, i) => (positive[i] ? c : CLASSES)));
      expect(maps.weight).toEqual(all ? weight : label.map(() => 1));
      expect(maps.score).toEqual(label.map((_, i) => (positive[i] ? (all ? score[i] : 1) : 0)));
      expect(maps.vlr).toEqual(all ? vlr : label.map(() => 0));
      const chosen = maps.matched.flatMap((target, i) =>
        positive[i] ? [Array.from(targets.slice(4 * target, 4 * target + 4))] : [],
      );
      expect(chosen).toEqual(box.filter((_, i) => positive[i]));
      const used = maps.matched.filter((target) => target >= 0);
      expect(new Set(used).size).toBe(chosen.length);
      for (const value of Object.values(given)) if (value instanceof Tensor) value.dispose();
    }),
    runs(21),
  ));

const grid = makeGrid({ imageSize: { width: 16, height: 8 }, strides: [8] });
const right = (): GivenAssignment => ({ grid, batch: 1, classes: 2, labels: [1, -1], boxes: [0, 0, 8, 8, 0, 0, 0, 0] });
const NAN = Number.NaN;

test.each<[string, Partial<GivenAssignment>]>([
  ['labels: 3 values; the grid and batch have 2', { labels: [0, 0, 0] }],
  ['boxes: 4 values; the grid and batch have 8', { boxes: [0, 0, 1, 1] }],
  ['weights: 1 values', { weights: [1] }],
  ['labels: entry 1 is 3; expected a class from 0 to 1, or -1 or 2 for background', { labels: [0, 3] }],
  ['labels: entry 0 is 0.5', { labels: [0.5, 0] }],
  ['boxes: box 0, of a positive, is [0,0,NaN,8]', { boxes: [0, 0, NAN, 8, 0, 0, 0, 0] }],
  ['boxes: box 0, of a positive, is [8,0,0,8]', { boxes: [8, 0, 0, 8, 0, 0, 0, 0] }],
  ['weights: entry 1 is 0.5; expected 0 (ignored) or 1', { weights: [1, 0.5] }],
  ['scores: entry 0 is 1.5; expected a number from 0 to 1', { scores: [1.5, 0] }],
  ['scores: entry 0 is NaN', { scores: [NAN, 0] }],
  ['vlr: entry 1 is -1; expected a finite weight, 0 or more', { vlr: [0, -1] }],
  ['classes: 0', { classes: 0 }],
  ['order', { order: 'row' as 'level' }],
  ['labels: elements of f32; expected i32', { labels: device.tensor([1, 0]) }],
])('refused: %s', (message, changes) => {
  expect(() => assignmentOf(device, { ...right(), ...changes })).toThrow(message);
});

test('a box that no positive has does not matter', () => {
  expect(() => assignmentOf(device, { ...right(), boxes: [0, 0, 8, 8, NAN, NAN, NAN, NAN] }).dispose()).not.toThrow();
});

test('more positives than targets can be told apart: arrays are refused, of tensors the later ones are ignored', async () => {
  const wide = makeGrid({ imageSize: { width: 256, height: 264 }, strides: [8] });
  const batch = 64;
  const most = Math.floor(65_535 / batch);
  expect(wide.locations).toBeGreaterThan(most);
  const size = batch * wide.locations;
  const labels = new Int32Array(size);
  const boxes = new Float32Array(4 * size);
  const given = { grid: wide, batch, classes: 1, boxes };
  expect(() => assignmentOf(device, { ...given, labels })).toThrow(
    `labels: ${wide.locations} positives in an image; at most ${most}`,
  );
  const assignment = assignmentOf(device, { ...given, labels: device.tensor(labels) });
  const maps = assignmentMaps(assignment);
  const [label, weight, matched] = await Promise.all(
    [maps.label, maps.weight, maps.matched].map(async (map) => Array.from(await map.read())),
  );
  const kept = label.map((_, i) => i % wide.locations < most);
  const places = kept.map((is, i) => (is ? Math.floor(i / wide.locations) * most + (i % wide.locations) : -1));
  expect(matched).toEqual(places);
  expect(label).toEqual(kept.map((is) => (is ? 0 : 1)));
  expect(weight).toEqual(kept.map((is) => (is ? 1 : 0)));
});
