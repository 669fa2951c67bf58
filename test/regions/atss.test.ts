import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assignAtss } from '../../src/regions/atss.js';
import { makeGrid } from '../../src/regions/grid.js';
import { uploadTruth } from '../../src/regions/truth.js';
import { sharedDevice } from '../device.js';
import { assignAtss as oracle } from '../reference/atss.js';
import type { Box } from '../reference/boxes.js';
import { isClear } from '../reference/clear.js';
import { loadGoldenAssignment } from '../reference/golden.js';
import { runs } from '../runs.js';
import { batches, goldenBatch, goldenNames, groundTruth, oracleGrid, scatter, type TestBatch } from './batches.js';

const device = await sharedDevice();

interface Settings {
  topk?: number;
  ignoreIofThreshold?: number;
}

async function assign(batch: TestBatch, settings: Settings = {}) {
  const truth = uploadTruth(device, groundTruth(batch), { batch: batch.images.length, classes: batch.classes });
  const { label, matched, weight, thresholds } = assignAtss(makeGrid(batch), truth, settings);
  return {
    label: Array.from(await label.read()),
    matched: Array.from(await matched.read()),
    weight: Array.from(await weight.read()),
    thresholds: Array.from(await thresholds.read()),
  };
}

/** The oracle image by image, in the order and with the conventions of the device. */
function expected(batch: TestBatch, settings: Settings) {
  const images = batch.images.map((image) => oracle({ ...oracleGrid(batch, image), ...image, ...settings }));
  let first = 0;
  const matched = images.map(({ truthIndex }, b) => {
    const shifted = truthIndex.map((g) => (g < 0 ? -1 : g + first));
    first += batch.images[b].boxes.length;
    return shifted;
  });
  return {
    images,
    label: scatter(
      batch,
      images.map(({ label }) => label.map((c) => (c < 0 ? batch.classes : c))),
      batch.classes,
    ),
    matched: scatter(batch, matched, -1),
    weight: scatter(
      batch,
      images.map(({ state }) => state.map((s) => (s < 0 ? 0 : 1))),
      0,
    ),
    thresholds: images.flatMap(({ thresholds }) => Array.from(thresholds, (t) => (Number.isNaN(t) ? -1 : t))),
  };
}

const IGNORE = 0.4;

async function expectOracle(batch: TestBatch, settings: Settings = {}) {
  fc.pre(batch.images.every((image) => isClear({ ...oracleGrid(batch, image), ...image, ...settings })));
  const { images: _, ...right } = expected(batch, settings);
  const { thresholds, ...own } = await assign(batch, settings);
  const { thresholds: rightThresholds, ...rightOwn } = right;
  expect(own).toEqual(rightOwn);
  thresholds.forEach((t, g) => {
    expect(Math.abs(t - rightThresholds[g])).toBeLessThan(2e-6);
  });
}

describe('against the oracle, image by image', () => {
  test('boxes anywhere', () =>
    fc.assert(
      fc.asyncProperty(batches(), (batch) => expectOracle(batch)),
      runs(21),
    ));

  test('boxes on the lattice, where anchors are equally far', () =>
    fc.assert(
      fc.asyncProperty(batches({ step: 8 }), (batch) => expectOracle(batch)),
      runs(21),
    ));

  test('other numbers of candidates', () =>
    fc.assert(
      fc.asyncProperty(batches(), fc.integer({ min: 1, max: 32 }), (batch, topk) => expectOracle(batch, { topk })),
      runs(14),
    ));

  test('ignore regions', () =>
    fc.assert(
      fc.asyncProperty(batches({ ignore: 2 }), (batch) => expectOracle(batch, { ignoreIofThreshold: IGNORE })),
      runs(14),
    ));
});

/** One image of 64×64 with a single class. */
function single(boxes: Box[], changes: Partial<TestBatch> = {}): TestBatch {
  const imageSize = { width: 64, height: 64 };
  const images = [{ ...imageSize, boxes, labels: boxes.map(() => 0), ignore: [] }];
  return { imageSize, strides: [8, 16], octaveScale: 4, classes: 1, images, ...changes };
}

describe('by hand', () => {
  test('no ground truth: everything is background of weight 1', async () => {
    const { label, matched, weight, thresholds } = await assign(single([]));
    expect(label).toEqual(new Array(80).fill(1));
    expect(matched).toEqual(new Array(80).fill(-1));
    expect(weight).toEqual(new Array(80).fill(1));
    expect(thresholds).toEqual([]);
  });

  test('one candidate has no standard deviation: nothing is positive', async () => {
    const { thresholds, label } = await assign(single([[-200, -200, 200, 200]], { strides: [64] }));
    expect(thresholds).toEqual([-1]);
    expect(label).toEqual([1]);
  });

  test('boxes without area or outside of the image get nothing and take nothing', async () => {
    const real: Box = [10.3, 12.1, 50.7, 47.9];
    const alone = await assign(single([real]));
    expect(alone.label.includes(0)).toBe(true);
    const others: Box[] = [
      [20, 20, 20, 20],
      [20, 16, 20, 40],
      [300, 300, 400, 400],
      [-90, 10, -80, 20],
    ];
    const { matched, thresholds } = await assign(single([...others, real]));
    expect(matched).toEqual(alone.matched.map((g) => (g < 0 ? -1 : 4)));
    expect(thresholds.slice(0, 3)).toEqual([0, 0, 0]);
  });

  test('candidates of equal IoU are all positive: t is that IoU', async () => {
    // Every anchor of side 32 lies inside the box. Their IoU is no f32, yet the rounding of its mean may not push t above it.
    const box: Box = [-36, -36, 108, 108];
    const { label, thresholds } = await assign(single([box], { strides: [16], octaveScale: 2 }));
    expect(thresholds[0]).toBe(Math.fround(32 ** 2 / 144 ** 2));
    expect(label.filter((c) => c === 0).length).toBe(9);
  });

  test('of two equal boxes the first gets the location', async () => {
    const box: Box = [10, 10, 50, 50];
    const { matched } = await assign(single([box, box]));
    expect(new Set(matched)).toEqual(new Set([-1, 0]));
  });

  test('more boxes than anchors', async () => {
    const boxes = Array.from({ length: 300 }, (_, g): Box => [g / 8, g / 16, 20 + g / 4, 20 + g / 4]);
    const batch = single(boxes, { strides: [32] });
    const { images, ...right } = expected(batch, {});
    const own = await assign(batch);
    expect(images[0].state.length).toBe(4);
    expect([own.label, own.matched]).toEqual([right.label, right.matched]);
  });

  test('topk out of range is named', () => {
    const truth = uploadTruth(device, groundTruth(single([])), { batch: 1, classes: 1 });
    for (const topk of [0, 33, 1.5]) {
      expect(() => assignAtss(makeGrid(single([])), truth, { topk })).toThrow(`topk: ${topk}`);
    }
  });
});

test.each(goldenNames)('golden case %s: labels, label weights and boxes', async (name) => {
  const golden = await loadGoldenAssignment(`test/golden/${name}.safetensors`);
  const batch = goldenBatch(golden);
  const { label, weight, matched } = await assign(batch, golden);
  expect(label).toEqual(golden.assign.flatMap((level) => Array.from(level.label)));
  expect(weight).toEqual(golden.assign.flatMap((level) => Array.from(level.weight)));
  const boxes = batch.images.flatMap((image) => image.boxes);
  const matchedBoxes = matched.flatMap((g) => (g < 0 ? [0, 0, 0, 0] : boxes[g]));
  expect(matchedBoxes).toEqual(golden.assign.flatMap((level) => Array.from(level.box)));
});
