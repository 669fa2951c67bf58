import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Assignment } from '../../src/regions/assignment.js';
import { assignAtss } from '../../src/regions/atss.js';
import type { AtssOptions } from '../../src/regions/atssCandidates.js';
import { type DynamicSoftLabelOptions, dynamicSoftLabel } from '../../src/regions/dynamicSoftLabel.js';
import { type Grid, makeGrid } from '../../src/regions/grid.js';
import type { HeadMaps, StudentOptions } from '../../src/regions/student.js';
import { type TaskAlignedOptions, taskAligned } from '../../src/regions/taskAligned.js';
import { type Truth, uploadTruth } from '../../src/regions/truth.js';
import { Tensor } from '../../src/tensor/tensor.js';
import { sharedDevice } from '../device.js';
import type { Box } from '../reference/boxes.js';
import { isClearDynamicSoftLabel, isClearTaskAligned } from '../reference/clearStudent.js';
import { expectClose } from '../reference/closeTo.js';
import { assignDynamicSoftLabel, type DynamicSoftLabelInput } from '../reference/dynamicSoftLabel.js';
import { assignTaskAligned, type TaskAlignedInput } from '../reference/taskAligned.js';
import type { HeadOutputs, ImageAssignment } from '../reference/types.js';
import { runs } from '../runs.js';
import { batches, groundTruth, oracleGrid, type TestBatch } from './batches.js';
import { expectedMaps, type HeadForm, ownPredictions, randomHead, sizesOf, uploadHead } from './heads.js';
import { readConsistent } from './readAssignment.js';

const device = await sharedDevice();

/** A positive below it has no effect on any loss, and f32 decides by chance whether it is one. */
const MIN_SCORE = 1e-9;
/** f32 rounds an overlap to about 1e-6, of which a score takes the sixth power. */
const SCORE = { absolute: 3e-5 };

type Options = Omit<TaskAlignedOptions, keyof StudentOptions> & Omit<DynamicSoftLabelOptions, keyof StudentOptions>;
type Input = TaskAlignedInput & DynamicSoftLabelInput;

/** An assigner, its oracle, and settings that differ in what is compiled. */
interface Kind {
  assign: (grid: Grid, truth: Truth, student: HeadMaps, options: StudentOptions & Options) => Assignment;
  oracle: (input: Input) => ImageAssignment;
  isClear: (input: Input) => boolean;
  settings: Options[];
  /** Scores that matter. */
  least: number;
}

const KINDS: Record<string, Kind> = {
  'task-aligned': {
    assign: taskAligned,
    oracle: assignTaskAligned,
    isClear: isClearTaskAligned,
    settings: [
      {},
      { topk: 13, alpha: 1, overlap: 'iou', masked: false, smallTargets: true },
      { topk: 1, beta: 1 },
      { topk: 32, alpha: 0 },
    ],
    least: MIN_SCORE,
  },
  'dynamic-soft-label': {
    assign: dynamicSoftLabel,
    oracle: assignDynamicSoftLabel,
    isClear: isClearDynamicSoftLabel,
    settings: [{}, { topk: 1 }, { topk: 32, iouWeight: 0.5 }],
    least: -1,
  },
};

const FORMS: HeadForm[] = ['pyramid', 'rows', 'together', 'backwards'];
const BINS = 8;

function upload(batch: TestBatch, limited = true): Truth {
  const { imageSizes, ...rest } = groundTruth(batch);
  const size = { batch: batch.images.length, classes: batch.classes };
  return uploadTruth(device, limited ? { ...rest, imageSizes: imageSizes! } : rest, size);
}

interface Run {
  form?: HeadForm;
  atss?: AtssOptions;
  limited?: boolean;
}

async function assign(kind: Kind, batch: TestBatch, student: HeadOutputs, options: Options, run: Run = {}) {
  const { form = 'pyramid', atss = {}, limited = true } = run;
  const grid = makeGrid(batch);
  const truth = upload(batch, limited);
  const head = uploadHead(device, sizesOf(batch, BINS), student, form);
  const maps = await readConsistent(grid, kind.assign(grid, truth, head, { ...options, bins: BINS, atss }));
  for (const { tensor } of [head.classLogits, head.boxLogits].map((maps) =>
    'tensor' in maps ? maps : { tensor: maps },
  ))
    tensor.dispose();
  truth.dispose();
  return maps;
}

function inputs(batch: TestBatch, student: HeadOutputs, options: Options): Input[] {
  const parameters = { parameters: 'ltrb', bins: BINS, anchor: 8 } as const;
  return batch.images.map((image, b) => ({
    ...oracleGrid(batch, image),
    ...image,
    ...options,
    ...ownPredictions(batch, student, b, parameters),
  }));
}

describe.each(Object.entries(KINDS))('%s', (_name, kind) => {
  test.each([
    ['anywhere', {}],
    ['many boxes', { most: 30 }],
  ])('as the oracle: boxes %s', async (_boxes, options) => {
    await fc.assert(
      fc.asyncProperty(
        batches(options),
        fc.nat(1e6),
        fc.constantFrom(...kind.settings),
        fc.constantFrom(...FORMS),
        async (batch, seed, settings, form) => {
          const student = randomHead(sizesOf(batch, BINS), seed);
          const images = inputs(batch, student, settings);
          fc.pre(images.every(kind.isClear));
          const { label, matched, score, weight } = await assign(kind, batch, student, settings, { form });
          const right = expectedMaps(batch, images.map(kind.oracle));
          expectClose(score, right.score, SCORE, 'scores');
          const effective = right.score.flatMap((s, i) => (s > kind.least || score[i] > kind.least ? [i] : []));
          expect(effective.map((i) => [label[i], matched[i]])).toEqual(
            effective.map((i) => [right.label[i], right.matched[i]]),
          );
          // What lies beyond an image learns nothing.
          for (const [i, w] of weight.entries()) if (w === 0) expect(label[i]).toBe(batch.classes);
        },
      ),
      runs(7),
    );
  });

  test('the VLR and ignored labels are those of ATSS; twice the same bits', async () => {
    const settings = fc.record({
      vlr: fc.constantFrom('paper' as const, 'reference' as const, 'none' as const),
      ignoreIofThreshold: fc.constantFrom(-1, 0.4),
      gamma: fc.constantFrom(0.25, 0.7),
    });
    await fc.assert(
      fc.asyncProperty(
        batches({ ignore: 2 }),
        fc.nat(1e6),
        settings,
        fc.boolean(),
        async (batch, seed, atss, limited) => {
          const student = randomHead(sizesOf(batch, BINS), seed);
          const maps = await assign(kind, batch, student, {}, { atss, limited });
          const truth = upload(batch, limited);
          const right = assignAtss(makeGrid(batch), truth, atss);
          const [label, weight] = [Array.from(await right.label.read()), Array.from(await right.weight.read())];
          expect(maps.vlr).toEqual(Array.from(await right.vlr.read()));
          // A positive counts even where it is ignored.
          for (const [i, w] of maps.weight.entries()) {
            const positive = maps.label[i] < batch.classes;
            if (positive || label[i] === batch.classes) expect(w).toBe(positive ? 1 : weight[i]);
          }
          expect(await assign(kind, batch, student, {}, { atss, limited })).toEqual(maps);
        },
      ),
      runs(4),
    );
  });

  test('the order of the objects changes nothing', () =>
    fc.assert(
      fc.asyncProperty(batches({ most: 12 }), fc.nat(1e6), async (batch, seed) => {
        const student = randomHead(sizesOf(batch, BINS), seed);
        const images = batch.images.map((image) => ({
          ...image,
          boxes: [...image.boxes].reverse(),
          labels: [...image.labels].reverse(),
        }));
        const { matched: forward, ...rest } = await assign(kind, batch, student, {});
        const { matched: backward, ...others } = await assign(kind, { ...batch, images }, student, {});
        expect(others).toEqual(rest);
        const counts = batch.images.map(({ boxes }) => boxes.length);
        const first = (g: number) => {
          let before = 0;
          for (const count of counts) {
            if (g < before + count) return { before, count };
            before += count;
          }
          throw new Error(`no object ${g}`);
        };
        const reversed = forward.map((g) => (g < 0 ? -1 : 2 * first(g).before + first(g).count - 1 - g));
        expect(backward).toEqual(reversed);
      }),
      runs(4),
    ));

  test('no objects, an object that holds no centre, an image of one cell', async () => {
    const imageSize = { width: 64, height: 64 };
    const image = (boxes: Box[]) => ({ ...imageSize, boxes, labels: boxes.map(() => 0), ignore: [] });
    const batch: TestBatch = {
      ...{ imageSize, strides: [16, 32], centreOffset: 0.5, classes: 1 },
      images: [image([]), image([[25, 25, 30, 30]]), image([[20, 20, 20, 40]])],
    };
    const { label, weight, score } = await assign(
      kind,
      batch,
      randomHead(sizesOf(batch, BINS), 1),
      {},
      { limited: false },
    );
    expect(new Set(label)).toEqual(new Set([1]));
    expect(new Set(weight)).toEqual(new Set([1]));
    expect(new Set(score)).toEqual(new Set([0]));
    const cell: TestBatch = {
      ...{ imageSize: { width: 8, height: 8 }, strides: [8], centreOffset: 0.5, classes: 1 },
      images: [{ width: 8, height: 8, boxes: [[-20, -20, 30, 30]], labels: [0], ignore: [] }],
    };
    const own = await assign(kind, cell, randomHead(sizesOf(cell, BINS), 1), {});
    expect(own.label).toEqual([0]);
    expect(own.score[0]).toBeGreaterThan(0);
  });

  test('equal locations are taken in order of index, of equal objects the first', async () => {
    const imageSize = { width: 64, height: 32 };
    const box: Box = [0, 0, 64, 32];
    const image = { ...imageSize, boxes: [box, box], labels: [1, 1], ignore: [] };
    const batch: TestBatch = { imageSize, strides: [8], centreOffset: 0.5, classes: 2, images: [image] };
    const sizes = sizesOf(batch, BINS);
    // Every location says the whole image but for rounding: all bins of the edges on the side of the nearer border.
    const student = { classLogits: [new Float32Array(64)], boxLogits: [new Float32Array(4 * BINS * 32)] };
    const { matched } = await assign(kind, batch, student, { topk: 4 });
    const right = kind.oracle(inputs(batch, student, { topk: 4 })[0]);
    expect(sizes.batch).toBe(1);
    expect(matched.filter((g) => g >= 0)).toEqual(Array.from(right.truthIndex).filter((g) => g >= 0));
    expect(new Set(matched)).toEqual(new Set([-1, 0]));
  });

  test('logits as large as 1e4', () =>
    fc.assert(
      fc.asyncProperty(batches(), fc.nat(1e6), fc.constantFrom(100, 1e4), async (batch, seed, scale) => {
        const head = randomHead(sizesOf(batch, BINS), seed, { classes: scale / 4, boxes: scale / 4 });
        const clamp = (levels: readonly ArrayLike<number>[]) =>
          levels.map((level) => Float32Array.from(level, (x) => Math.max(-scale, Math.min(scale, x))));
        const student = { classLogits: clamp(head.classLogits), boxLogits: clamp(head.boxLogits) };
        const images = inputs(batch, student, {});
        fc.pre(images.every(kind.isClear));
        const { matched, score } = await assign(kind, batch, student, {});
        const right = expectedMaps(batch, images.map(kind.oracle));
        const effective = right.score.flatMap((s, i) => (s > kind.least || score[i] > kind.least ? [i] : []));
        expect(effective.map((i) => matched[i])).toEqual(effective.map((i) => right.matched[i]));
        expectClose(score, right.score, SCORE, 'scores');
      }),
      runs(5),
    ));

  test('logits in a buffer that ends within four elements', async () => {
    const imageSize = { width: 24, height: 24 };
    const image = { ...imageSize, boxes: [[1, 2, 20, 22] as Box], labels: [0], ignore: [] };
    const batch: TestBatch = { imageSize, strides: [8], centreOffset: 0.5, classes: 1, images: [image] };
    const sizes = sizesOf(batch, BINS);
    const student = randomHead(sizes, 3);
    const head = uploadHead(device, sizes, student, 'pyramid');
    const area = 9;
    const layout = [{ offset: 0, batch: area, channel: area, location: 1 }];
    const buffer = device.gpu.createBuffer({ size: 4 * area, usage: 0x8c });
    device.write(buffer, 0, Float32Array.from(student.classLogits[0]));
    const boxes = device.gpu.createBuffer({ size: 4 * (4 * BINS * area + 1), usage: 0x8c });
    device.write(boxes, 4, Float32Array.from(student.boxLogits[0]));
    const bare: HeadMaps = {
      classLogits: { tensor: Tensor.borrow(device, buffer, [area]), layout },
      boxLogits: {
        tensor: Tensor.borrow(device, boxes, [4 * BINS * area + 1]),
        layout: [{ ...layout[0], offset: 1 }],
      },
    };
    const truth = upload(batch);
    const grid = makeGrid(batch);
    const right = await readConsistent(grid, kind.assign(grid, truth, head, { bins: BINS }));
    expect(right.label.includes(0)).toBe(true);
    expect(await readConsistent(grid, kind.assign(grid, truth, bare, { bins: BINS }))).toEqual(right);
  });
});
