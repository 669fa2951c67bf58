import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import type { Choices } from '../../src/gpu/choices.js';
import { ASSIGNERS } from '../../src/regions/assigners.js';
import { type Assignment, COUNTS, SAMPLE_WORDS } from '../../src/regions/assignment.js';
import { makeGrid } from '../../src/regions/grid.js';
import { uploadTruth } from '../../src/regions/truth.js';
import { sharedDevice } from '../device.js';
import { runs } from '../runs.js';
import { batches, groundTruth } from './batches.js';
import { randomHead, sizesOf, uploadHead } from './heads.js';

const device = await sharedDevice();
afterEach(() => device.setChoices({}));

const BINS = 4;

/** Everything of an assignment that kernels may read; it is given back. */
async function read(assignment: Assignment): Promise<{ counts: number[]; table: number[]; lists: number[][] }> {
  const counts = Array.from(await assignment.counts.read());
  const table = Array.from(await assignment.table.read());
  const words = await assignment.samples.read();
  const { batch, slots } = assignment;
  assignment.dispose();
  const lists = Array.from({ length: batch }, (_, image) => {
    const first = SAMPLE_WORDS * image * slots;
    return Array.from(words.slice(first, first + SAMPLE_WORDS * counts[COUNTS.stride * image + COUNTS.samples]));
  });
  return { counts, table, lists };
}

const settings = fc.record({
  vlr: fc.constantFrom('paper' as const, 'none' as const),
  gamma: fc.constantFrom(0, 0.25),
  topk: fc.constantFrom(1, 9, 32),
  ignoreIofThreshold: fc.constantFrom(-1, 0.4),
});

test.each(Object.entries(ASSIGNERS))('%s: both ways to list samples give the same bits', async (_name, { assign }) => {
  await fc.assert(
    fc.asyncProperty(batches({ most: 30, step: 4, ignore: 1 }), settings, fc.nat(1e6), async (batch, atss, seed) => {
      const grid = makeGrid(batch);
      const truth = uploadTruth(device, groundTruth(batch), { batch: batch.images.length, classes: batch.classes });
      const head = uploadHead(device, sizesOf(batch, BINS), randomHead(sizesOf(batch, BINS), seed), 'pyramid');
      const listed = async (by: Choices['lists.workgroups']) => {
        device.setChoices({ 'lists.workgroups': by });
        return read(assign(grid, truth, head, { bins: BINS, parameters: 'ltrb', atss }));
      };
      expect(await listed('objects')).toEqual(await listed('image'));
      truth.dispose();
    }),
    runs(4),
  );
});
