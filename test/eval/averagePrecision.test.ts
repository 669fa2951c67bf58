import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readCoco } from '../../src/data/coco.js';
import type { CocoAnnotation, GroundTruth } from '../../src/data/groundTruth.js';
import { averagePrecision, STATISTICS } from '../../src/eval/averagePrecision.js';
import { type Detection, readDetections } from '../../src/eval/detections.js';

const golden = new URL('../golden/coco-eval/', import.meta.url).pathname;

test("the figures are pycocotools' own on BCCD's validation split", async () => {
  const { truth } = await readCoco(`${golden}bccd_val.json`);
  const detections = await readDetections(`${golden}bccd_val_dets.json`, truth);
  const expected = JSON.parse(readFileSync(`${golden}bccd_val_expected.json`, 'utf8'));
  const { stats, perClass, perThreshold } = averagePrecision(truth, detections);
  expect(detections).toHaveLength(expected.n_dets);
  STATISTICS.forEach((name, i) => {
    expect(Math.abs(stats[i] - expected.stats[name]), name).toBeLessThan(1e-9);
  });
  expect(Object.keys(perClass)).toEqual(Object.keys(expected.per_category_AP));
  for (const [name, value] of Object.entries(perClass))
    expect(Math.abs(value - expected.per_category_AP[name]), name).toBeLessThan(1e-9);
  expect(perThreshold[0]).toBe(stats[1]);
  expect(perThreshold[5]).toBe(stats[2]);
  expect(perThreshold.reduce((sum, value) => sum + value) / 10).toBeCloseTo(stats[0], 12);
});

type Box = [number, number, number, number];
const object = (image_id: number, category_id: number, bbox: Box, extra: Partial<CocoAnnotation> = {}) => ({
  ...{ id: 0, image_id, category_id, bbox, area: bbox[2] * bbox[3], iscrowd: 0 as const },
  ...extra,
});
const scene = (annotations: CocoAnnotation[], images = 1, classes = 1): GroundTruth => ({
  images: Array.from({ length: images }, (_, i) => ({ id: i + 1, file_name: `${i + 1}.jpg`, width: 200, height: 200 })),
  categories: Array.from({ length: classes }, (_, i) => ({ id: i + 1, name: `class ${i + 1}` })),
  annotations,
});
const detection = (image_id: number, category_id: number, bbox: Box, score: number) => ({
  ...{ image_id, category_id, bbox, score },
});
const figure = (truth: GroundTruth, detections: Detection[]) => {
  const { stats } = averagePrecision(truth, detections);
  return Object.fromEntries(STATISTICS.map((name, i) => [name, stats[i]]));
};

test('one object found of two, after one false alarm', () => {
  const truth = scene([object(1, 1, [10, 10, 40, 40]), object(1, 1, [100, 100, 40, 40])]);
  const found = [detection(1, 1, [60, 10, 20, 20], 0.9), detection(1, 1, [10, 10, 40, 40], 0.8)];
  // Precision 1/2 up to recall 1/2: 51 of the 101 recall points (0, 0.01 … 0.50).
  const { AP, AP50, AP75, APs, APm, APl, AR1, AR10, AR100, ARs, ARm } = figure(truth, found);
  for (const value of [AP, AP50, AP75]) expect(value).toBeCloseTo((0.5 * 51) / 101, 12);
  // The false alarm of 400 px² is small: among medium objects it does not count.
  expect(APm).toBeCloseTo(51 / 101, 12);
  expect([APs, APl, ARs]).toEqual([-1, -1, -1]);
  expect([AR1, AR10, AR100, ARm]).toEqual([0, 0.5, 0.5, 0.5]);
});

test('precision at 101 recalls, for each class with ground truth', () => {
  // IoU 0.6: found at 0.5, a false alarm at 0.75. Class 2 has no object.
  const truth = scene([object(1, 1, [0, 0, 40, 40]), object(1, 1, [100, 100, 40, 40])], 1, 2);
  const found = [
    detection(1, 1, [0, 0, 40, 40], 0.9),
    detection(1, 1, [60, 10, 20, 20], 0.8),
    detection(1, 1, [100, 100, 24, 40], 0.7),
    detection(1, 2, [0, 0, 10, 10], 0.9),
  ];
  const { precisionRecall, perClass } = averagePrecision(truth, found);
  expect(precisionRecall.recall).toHaveLength(101);
  expect([precisionRecall.recall[0], precisionRecall.recall[50], precisionRecall.recall[100]]).toEqual([0, 0.5, 1]);
  const [{ name, at50, at75 }, ...others] = precisionRecall.classes;
  expect([name, others]).toEqual(['class 1', []]);
  expect(perClass['class 2']).toBe(-1);
  // 1/1 up to recall 1/2, then 2/3 (monotone), or nothing.
  for (let i = 0; i <= 100; i++) {
    expect(at50[i]).toBeCloseTo(i <= 50 ? 1 : 2 / 3, 12);
    expect(at75[i]).toBeCloseTo(i <= 50 ? 1 : 0, 12);
  }
});

test('IoU decides at each threshold, the bound included', () => {
  // 30 of 40 columns: IoU 0.75, which counts at 0.50 … 0.75: 6 thresholds of 10.
  const truth = scene([object(1, 1, [0, 0, 40, 40])]);
  const { AP, AP75 } = figure(truth, [detection(1, 1, [0, 0, 30, 40], 0.5)]);
  expect(AP75).toBeCloseTo(1, 12);
  expect(AP).toBeCloseTo(0.6, 12);
});

test('a second detection of one object is a false alarm; the better score takes the object', () => {
  const truth = scene([object(1, 1, [0, 0, 40, 40]), object(2, 1, [0, 0, 40, 40])], 2);
  const twice = [detection(1, 1, [0, 0, 40, 40], 0.9), detection(1, 1, [0, 0, 40, 40], 0.8)];
  // Image 2 comes third: precision 1 up to recall 0.5 (51 points), 2/3 at the other 50.
  const { AP, AR1 } = figure(truth, [...twice, detection(2, 1, [0, 0, 40, 40], 0.7)]);
  expect(AP).toBeCloseTo((51 + 50 * (2 / 3)) / 101, 12);
  expect(AR1).toBe(1);
});

test('a detection that fits an object is not taken by a crowd that it fits better', () => {
  // IoU ⅔ with the object, wholly inside the crowd.
  const truth = scene([object(1, 1, [0, 0, 100, 100], { iscrowd: 1 }), object(1, 1, [0, 0, 40, 40])]);
  expect(figure(truth, [detection(1, 1, [0, 0, 40, 60], 0.9)]).AP50).toBeCloseTo(1, 12);
});

test('detections inside a crowd do not count, the crowd may match often, and need not be found', () => {
  const crowd = object(1, 1, [100, 0, 100, 100], { iscrowd: 1 });
  const truth = scene([crowd, object(1, 1, [0, 0, 40, 40])]);
  const inside = [0, 20, 40].map((x) => detection(1, 1, [110 + x, 10, 15, 15], 0.9));
  expect(figure(truth, [...inside, detection(1, 1, [0, 0, 40, 40], 0.1)]).AP).toBeCloseTo(1, 12);
  // Half inside: below every threshold but 0.5.
  const half = [detection(1, 1, [92.5, 10, 15, 15], 0.9), detection(1, 1, [0, 0, 40, 40], 0.1)];
  const { AP, AP50 } = figure(truth, half);
  expect(AP50).toBeCloseTo(1, 12);
  expect(AP).toBeCloseTo((1 + 9 * 0.5) / 10, 12);
});

test('areas are the annotations, not the boxes; both bounds belong to both ranges', () => {
  const { APs, APm, ARs } = figure(scene([object(1, 1, [0, 0, 60, 60], { area: 1024 })]), []);
  expect([APs, APm, ARs]).toEqual([0, 0, 0]);
  const { APs: none, APm: medium } = figure(scene([object(1, 1, [0, 0, 60, 60], { area: 1025 })]), []);
  expect([none, medium]).toEqual([-1, 0]);
});

test('only the best 100 of an image and class count', () => {
  const truth = scene([object(1, 1, [0, 0, 40, 40])]);
  const others = Array.from({ length: 100 }, () => detection(1, 1, [100, 100, 40, 40], 0.9));
  expect(figure(truth, [...others, detection(1, 1, [0, 0, 40, 40], 0.1)]).AR100).toBe(0);
  expect(figure(truth, [...others.slice(1), detection(1, 1, [0, 0, 40, 40], 0.1)]).AR100).toBe(1);
});

test('no detections give 0, no ground truth gives -1', () => {
  const truth = scene([object(1, 1, [0, 0, 40, 40])], 1, 2);
  expect(averagePrecision(truth, []).perClass).toEqual({ 'class 1': 0, 'class 2': -1 });
  expect(figure(truth, []).AP).toBe(0);
  const empty = averagePrecision(scene([]), [detection(1, 1, [0, 0, 40, 40], 0.9)]);
  expect(empty.stats).toEqual(Array(12).fill(-1));
  expect(empty.perThreshold).toEqual(Array(10).fill(-1));
});

const side = fc.integer({ min: 4, max: 120 });
const place = fc.integer({ min: 0, max: 80 });
const bbox = fc.tuple(place, place, side, side);
const image = fc.integer({ min: 1, max: 3 });
const category = fc.integer({ min: 1, max: 2 });
const objects = fc.array(fc.tuple(image, category, bbox), { minLength: 1, maxLength: 12 });
const guesses = fc.array(fc.tuple(image, category, bbox, fc.integer({ min: 1, max: 100 })), { maxLength: 30 });

test('perfect detections have AP 1', () => {
  fc.assert(
    fc.property(objects, (drawn) => {
      const truth = scene(
        drawn.map(([i, c, box]) => object(i, c, box)),
        3,
        2,
      );
      const { stats } = averagePrecision(
        truth,
        [...truth.annotations].map(({ image_id, category_id, bbox }, i) =>
          detection(image_id, category_id, bbox, 1 - i / 50),
        ),
      );
      for (const i of [0, 1, 2, 8]) expect(stats[i]).toBeCloseTo(1, 12);
    }),
  );
});

test('only the order of the scores counts, and figures lie in 0 … 1', () => {
  fc.assert(
    fc.property(objects, guesses, (drawn, guessed) => {
      const truth = scene(
        drawn.map(([i, c, box]) => object(i, c, box)),
        3,
        2,
      );
      const found = guessed.map(([i, c, box, score]) => detection(i, c, box, score / 100));
      const { stats } = averagePrecision(truth, found);
      const moved = found.map((one) => ({ ...one, score: Math.log(one.score) * 3 - 7 }));
      expect(averagePrecision(truth, moved).stats).toEqual(stats);
      for (const value of stats) expect(value === -1 || (value >= 0 && value <= 1)).toBe(true);
    }),
  );
});

test('a false alarm below every score changes nothing, above every score never helps', () => {
  fc.assert(
    fc.property(objects, guesses, (drawn, guessed) => {
      const truth = scene(
        drawn.map(([i, c, box]) => object(i, c, box)),
        3,
        2,
      );
      const found = guessed.map(([i, c, box, score]) => detection(i, c, box, score));
      const ap = averagePrecision(truth, found).stats[0];
      const nowhere = (score: number) => detection(1, 1, [500, 500, 10, 10], score);
      expect(averagePrecision(truth, [...found, nowhere(0)]).stats[0]).toBe(ap);
      expect(averagePrecision(truth, [...found, nowhere(101)]).stats[0]).toBeLessThanOrEqual(ap);
    }),
  );
});
