import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { constants } from '../../shaders/regions/sample.wgsl';
import type { Choices } from '../../src/gpu/choices.js';
import { ASSIGNERS } from '../../src/regions/assigners.js';
import { type Assignment, COUNTS, SAMPLE_WORDS } from '../../src/regions/assignment.js';
import { assignmentOf } from '../../src/regions/given.js';
import { makeGrid } from '../../src/regions/grid.js';
import { scoreByOverlap } from '../../src/regions/overlapScores.js';
import { uploadTruth } from '../../src/regions/truth.js';
import { Random } from '../../src/tensor/random.js';
import { sharedDevice } from '../device.js';
import { runs } from '../runs.js';
import { batches, groundTruth } from './batches.js';
import { randomHead, sizesOf, uploadHead } from './heads.js';

const device = await sharedDevice();
afterEach(() => device.setChoices({}));

const { COUNT_POSITIVES } = constants;
const BINS = 4;

/** Everything of an assignment that kernels may read; it is given back. */
async function read(
  assignment: Assignment,
): Promise<{ counts: number[]; table: number[]; lists: number[][]; targets: number[] }> {
  const counts = Array.from(await assignment.counts.read());
  const positives = counts.filter((_, i) => i % COUNTS.stride === COUNT_POSITIVES).reduce((a, b) => a + b);
  const targets = Array.from(await assignment.targets.read()).slice(0, 4 * positives);
  const table = Array.from(await assignment.table.read());
  const words = await assignment.samples.read();
  const { batch, slots } = assignment;
  assignment.dispose();
  const lists = Array.from({ length: batch }, (_, image) => {
    const first = SAMPLE_WORDS * image * slots;
    return Array.from(words.slice(first, first + SAMPLE_WORDS * counts[COUNTS.stride * image + COUNTS.samples]));
  });
  return { counts, table, lists, targets };
}

const settings = fc.record({
  vlr: fc.constantFrom('paper' as const, 'none' as const),
  gamma: fc.constantFrom(0, 0.25),
  topk: fc.constantFrom(1, 9, 32),
  ignoreIofThreshold: fc.constantFrom(-1, 0.4),
});

test.each(Object.entries(ASSIGNERS))(
  '%s: both ways to list and score samples give the same bits',
  async (_name, { assign }) => {
    await fc.assert(
      fc.asyncProperty(batches({ most: 30, step: 4, ignore: 1 }), settings, fc.nat(1e6), async (batch, atss, seed) => {
        const grid = makeGrid(batch);
        const truth = uploadTruth(device, groundTruth(batch), { batch: batch.images.length, classes: batch.classes });
        const head = uploadHead(device, sizesOf(batch, BINS), randomHead(sizesOf(batch, BINS), seed), 'pyramid');
        const listed = async (by: Choices['lists.workgroups']) => {
          device.setChoices({ 'lists.workgroups': by });
          const assignment = assign(grid, truth, head, { bins: BINS, parameters: 'ltrb', atss });
          scoreByOverlap(grid, assignment, head, { bins: BINS, parameters: 'ltrb' });
          return read(assignment);
        };
        expect(await listed('objects')).toEqual(await listed('image'));
        truth.dispose();
      }),
      runs(4),
    );
  },
);

test('a given assignment: both ways to list samples give the same bits', async () => {
  const shape = fc.record({
    batch: fc.integer({ min: 1, max: 3 }),
    // Of the second more than one workgroup's share.
    side: fc.constantFrom(5, 19),
    order: fc.constantFrom('image' as const, 'level' as const),
    has: fc.record({ weights: fc.boolean(), scores: fc.boolean(), vlr: fc.boolean() }),
    share: fc.constantFrom(0, 0.1, 0.6),
    seed: fc.nat(),
  });
  await fc.assert(
    fc.asyncProperty(shape, async ({ batch, side, order, has, share, seed }) => {
      const grid = makeGrid({ imageSize: { width: 8 * side + 3, height: 8 * side }, strides: [8, 32] });
      const random = Random.of(seed);
      const size = batch * grid.locations;
      const each = (value: () => number) => Array.from({ length: size }, value);
      const given = {
        ...{ grid, batch, classes: 5, order },
        labels: each(() => (random.next() < share ? random.integer(5) : -1)),
        boxes: Array.from({ length: size }, (_, i) => [i % 7, i % 5, 9, 8 + (i % 3)]).flat(),
        ...(has.weights && { weights: each(() => (random.next() < 0.2 ? 0 : 1)) }),
        ...(has.scores && { scores: each(() => random.next()) }),
        ...(has.vlr && { vlr: each(() => (random.next() < 0.3 ? random.next() : 0)) }),
      };
      const listed = (by: Choices['lists.workgroups']) => {
        device.setChoices({ 'lists.workgroups': by });
        return read(assignmentOf(device, given));
      };
      expect(await listed('objects')).toEqual(await listed('image'));
    }),
    runs(12),
  );
});
