import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assignmentMaps, COUNTS, SAMPLE_WORDS } from '../../src/regions/assignment.js';
import { type AtssOptions, atss } from '../../src/regions/atss.js';
import { makeGrid } from '../../src/regions/grid.js';
import { type GroundTruth, uploadTruth } from '../../src/regions/truth.js';
import { sharedDevice } from '../device.js';
import { batches, groundTruth, type TestBatch } from './batches.js';

const device = await sharedDevice();

type Choice = Required<AtssOptions>;

/** An assignment and its maps, on the host. */
async function both(batch: TestBatch, given: GroundTruth, choice: Choice) {
  const grid = makeGrid(batch);
  const size = { batch: batch.images.length, classes: batch.classes };
  return device.tidy(() => {
    const assignment = atss(grid, uploadTruth(device, given, size), choice);
    const { table, samples, counts, slots } = assignment;
    const reads = { ...assignmentMaps(assignment), table, samples, counts };
    return Promise.all(Object.entries(reads).map(async ([name, tensor]) => [name, await tensor.read()] as const)).then(
      (entries) => ({ grid, slots, ...(Object.fromEntries(entries) as Record<keyof typeof reads, Float32Array>) }),
    );
  });
}

/** That a location has one sample, positives come first, and table and counts say the same; the maps are the oracle's elsewhere. */
async function expectConsistent(batch: TestBatch, given: GroundTruth, choice: Choice): Promise<void> {
  const made = await both(batch, given, choice);
  const { grid, slots, label, matched, weight, score, vlr, table, samples, counts } = made;
  const { classes, images } = batch;
  const background = Array.from(weight, (w) => (w > 0 ? 0 : TABLE_IGNORED));
  expect(Array.from(table.slice(0, label.length))).toEqual(
    background.map((mark, i) => (label[i] < classes ? 1 + label[i] : mark)),
  );

  const floats = new Float32Array(samples.buffer);
  const found = new Map<number, { assigned: number; score: number; vlr: number }>();
  const levelOf = (location: number) =>
    grid.levels.filter((_, l) => location >= images.length * grid.levelTable[4 * l]).length - 1;
  images.forEach((_, image) => {
    const start = COUNTS.stride * image;
    const [positives, listed, vlrWeight, scores] = counts.slice(start, start + 4);
    const levels = { positives: grid.levels.map(() => 0), vlr: grid.levels.map(() => 0) };
    let sum = 0;
    for (let i = 0; i < listed; i++) {
      const word = SAMPLE_WORDS * (image * slots + i);
      const [location, assigned] = samples.slice(word, word + 2);
      const [target, member] = floats.slice(word + 2, word + 4);
      expect(assigned < 0xfffffffe).toBe(i < positives);
      expect(found.has(location)).toBe(false);
      found.set(location, { assigned, score: target, vlr: member });
      if (i < positives) levels.positives[levelOf(location)]++;
      if (member > 0) levels.vlr[levelOf(location)]++;
      sum += member;
    }
    const levelCounts = (first: number) => Array.from(counts.slice(start + first, start + first + grid.levels.length));
    expect(levelCounts(COUNTS.levelPositives)).toEqual(levels.positives);
    expect(levelCounts(COUNTS.levelPositives + 8)).toEqual(levels.vlr);
    expect(vlrWeight).toBeCloseTo(sum, 3);
    expect(scores).toBe(positives);
  });
  for (let location = 0; location < label.length; location++) {
    const sample = found.get(location);
    const positive = label[location] < classes;
    expect(sample !== undefined).toBe(positive || vlr[location] > 0);
    expect(score[location]).toBe(positive ? 1 : 0);
    if (!sample) continue;
    expect(sample.vlr).toBe(vlr[location]);
    if (positive) expect(sample.assigned).toBe(matched[location] * 65536 + label[location]);
    else expect(sample.assigned).toBe(weight[location] > 0 ? 0xffffffff : 0xfffffffe);
  }
}

const TABLE_IGNORED = 0x80000000;
const choices = fc.record<Choice>({
  vlr: fc.constantFrom('paper', 'reference', 'none'),
  gamma: fc.constantFrom(0, 0.25, 0.9),
  topk: fc.constantFrom(1, 4, 9, 32),
  ignoreIofThreshold: fc.constantFrom(-1, 0.4),
});

test.each([
  ['anywhere', {}],
  ['ties of distance', { step: 8 }],
  ['ignored regions', { ignore: 3 }],
  ['many boxes', { most: 40 }],
])('samples, counts, table and maps agree: boxes %s', async (_name, options) => {
  await fc.assert(
    fc.asyncProperty(batches(options), choices, fc.boolean(), async (batch, choice, limited) => {
      const { imageSizes, ...rest } = groundTruth(batch);
      await expectConsistent(batch, limited ? { ...rest, imageSizes: imageSizes! } : rest, choice);
    }),
    { numRuns: 25 },
  );
});
