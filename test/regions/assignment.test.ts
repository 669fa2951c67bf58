import fc from 'fast-check';
import { expect, test } from 'vitest';
import { atss } from '../../src/regions/atss.js';
import type { AtssOptions } from '../../src/regions/atssCandidates.js';
import { makeGrid } from '../../src/regions/grid.js';
import { uploadTruth } from '../../src/regions/truth.js';
import { sharedDevice } from '../device.js';
import { runs } from '../runs.js';
import { batches, groundTruth } from './batches.js';
import { readConsistent } from './readAssignment.js';

const device = await sharedDevice();

type Choice = Required<AtssOptions>;

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
      const given = limited ? { ...rest, imageSizes: imageSizes! } : rest;
      const grid = makeGrid(batch);
      const truth = uploadTruth(device, given, { batch: batch.images.length, classes: batch.classes });
      const { label, score } = await readConsistent(grid, atss(grid, truth, choice));
      expect(score).toEqual(label.map((c) => (c < batch.classes ? 1 : 0)));
      truth.dispose();
    }),
    runs(9),
  );
});
