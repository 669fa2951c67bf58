import fc from 'fast-check';
import { expect, test } from 'vitest';
import { COUNTS, listRegions } from '../../src/losses/headLists.js';
import { resolveRecipe } from '../../src/losses/recipe.js';
import { assignAtss } from '../../src/regions/atss.js';
import { makeGrid } from '../../src/regions/grid.js';
import { type GroundTruth, uploadTruth } from '../../src/regions/truth.js';
import { valuableRegion } from '../../src/regions/vlr.js';
import { sharedDevice } from '../device.js';
import { batches, groundTruth, type TestBatch } from '../regions/batches.js';

const device = await sharedDevice();

interface Choice {
  vlr: 'paper' | 'reference';
  gamma: number;
  topk: number;
  ignoreIofThreshold: number;
}

/** The lists of the head loss and the maps of the regions, of the same batch. */
async function both(batch: TestBatch, given: GroundTruth, choice: Choice) {
  const { classes } = batch;
  const size = { batch: batch.images.length, classes };
  const recipe = resolveRecipe({ regions: choice, ld: { vlr: 1 } });
  const { octaveScale, centreOffset } = recipe.regions;
  const grid = makeGrid({ ...batch, octaveScale, centreOffset });
  return device.tidy(() => {
    const truth = uploadTruth(device, given, size);
    const setting = { device, recipe, grid, bins: 2, ...size };
    const lists = listRegions(setting, truth);
    const assignment = assignAtss(grid, truth, choice);
    const vlr = valuableRegion(grid, truth, assignment, { variant: choice.vlr, gamma: choice.gamma });
    const { label, matched, weight } = assignment;
    const { table, rows, counts } = lists;
    const reads = { label, matched, weight, vlr, table, rows, counts };
    return Promise.all(Object.entries(reads).map(async ([name, tensor]) => [name, await tensor.read()] as const)).then(
      (entries) => ({
        grid,
        slots: lists.slots,
        ...(Object.fromEntries(entries) as Record<keyof typeof reads, Float32Array>),
      }),
    );
  });
}

/** That the lists hold exactly the positives and the VLR of the maps, positives first, and that the counts count them. */
async function expectSame(batch: TestBatch, given: GroundTruth, choice: Choice): Promise<void> {
  const { grid, slots, label, matched, weight, vlr, table, rows, counts } = await both(batch, given, choice);
  const { classes, images } = batch;
  const background = Array.from(weight, (w) => (w > 0 ? 0 : 0x80000000));
  expect(Array.from(table.slice(0, label.length))).toEqual(
    background.map((mark, i) => (label[i] < classes ? 1 + label[i] : mark)),
  );

  const floats = new Float32Array(rows.buffer);
  const found = new Map<number, { assigned: number; vlr: number }>();
  const levelOf = (location: number) =>
    grid.levels.filter((_, l) => location >= images.length * grid.levelTable[4 * l]).length - 1;
  images.forEach((_, image) => {
    const start = COUNTS.stride * image;
    const [positives, listed, vlrWeight] = counts.slice(start, start + 3);
    const levels = { positives: grid.levels.map(() => 0), vlr: grid.levels.map(() => 0) };
    const first = image * slots;
    let sum = 0;
    const add = (location: number, assigned: number, weight: number) => {
      expect(found.has(location)).toBe(false);
      found.set(location, { assigned, vlr: weight });
      if (assigned < 0xfffffffe) levels.positives[levelOf(location)]++;
      if (weight > 0) levels.vlr[levelOf(location)]++;
      sum += weight;
    };
    for (let i = 0; i < listed; i++) {
      const word = 4 * (first + i);
      expect(rows[word + 1] < 0xfffffffe).toBe(i < positives);
      add(rows[word], rows[word + 1], floats[word + 3]);
    }
    const levelCounts = (first: number) => Array.from(counts.slice(start + first, start + first + grid.levels.length));
    expect(levelCounts(3)).toEqual(levels.positives);
    expect(levelCounts(11)).toEqual(levels.vlr);
    expect(vlrWeight).toBeCloseTo(sum, 3);
  });
  for (let location = 0; location < label.length; location++) {
    const row = found.get(location);
    const positive = label[location] < classes;
    expect(row !== undefined).toBe(positive || vlr[location] > 0);
    if (!row) continue;
    expect(row.vlr).toBe(vlr[location]);
    if (positive) expect(row.assigned).toBe(matched[location] * 65536 + label[location]);
    else expect(row.assigned).toBe(weight[location] > 0 ? 0xffffffff : 0xfffffffe);
  }
}

const choices = fc.record<Choice>({
  vlr: fc.constantFrom('paper', 'reference'),
  gamma: fc.constantFrom(0, 0.25, 0.9),
  topk: fc.constantFrom(1, 4, 9, 32),
  ignoreIofThreshold: fc.constantFrom(-1, 0.4),
});

test.each([
  ['anywhere', {}],
  ['ties of distance', { step: 8 }],
  ['ignored regions', { ignore: 3 }],
  ['many boxes', { most: 40 }],
])('lists and maps agree: boxes %s', async (_name, options) => {
  await fc.assert(
    fc.asyncProperty(batches(options), choices, fc.boolean(), async (batch, choice, limited) => {
      const { imageSizes, ...rest } = groundTruth(batch);
      await expectSame(batch, limited ? { ...rest, imageSizes: imageSizes! } : rest, choice);
    }),
    { numRuns: 25 },
  );
});
