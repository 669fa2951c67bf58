import { expect, test } from 'vitest';
import type { CocoAnnotation, GroundTruth } from '../../src/data/groundTruth.js';
import type { Detection } from '../../src/eval/detections.js';
import { type EdgeSpread, edgeCalibration } from '../../src/eval/edgeCalibration.js';
import { edgeSpread } from '../../src/eval/edgeSpread.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { Random } from '../../src/tensor/random.js';
import { sharedDevice } from '../device.js';

const device = await sharedDevice();

type Box = [number, number, number, number];
const object = (image_id: number, category_id: number, bbox: Box, iscrowd: 0 | 1 = 0): CocoAnnotation => ({
  ...{ id: 0, image_id, category_id, bbox, area: bbox[2] * bbox[3], iscrowd },
});
const scene = (...annotations: CocoAnnotation[]): GroundTruth => ({
  images: [1, 2].map((id) => ({ id, file_name: `${id}.jpg`, width: 200, height: 200 })),
  categories: [1, 2].map((id) => ({ id, name: `class ${id}` })),
  annotations,
});
const detection = (image_id: number, category_id: number, bbox: Box, score: number): Detection => ({
  ...{ image_id, category_id, bbox, score },
});
const spread = (deviations: number[], stride: number): EdgeSpread => ({ deviations, stride });

test('one detection: four edges, each in a bin of its own, in strides and in pixels', () => {
  // Left 2, top 0, right 1, bottom 4 pixels off.
  const found = [detection(1, 1, [12, 20, 39, 44], 0.9)];
  const { edges, bins, spearman, pixels } = edgeCalibration(scene(object(1, 1, [10, 20, 40, 40])), found, [
    spread([0.3, 0.1, 0.2, 0.5], 8),
  ]);
  expect(edges).toBe(4);
  const expected = [
    [0.1, 0],
    [0.2, 1],
    [0.3, 2],
    [0.5, 4],
  ];
  expect(pixels.bins).toEqual(
    expected.map(([deviation, error]) => ({ meanSpread: 8 * deviation, meanError: error, count: 1 })),
  );
  expect(bins.map(({ meanError }) => meanError)).toEqual(expected.map(([, error]) => error / 8));
  // Spread and error have the same order.
  expect([spearman, pixels.spearman]).toEqual([1, 1]);
});

test('a detection takes the free object of its image and class that it overlaps most, the better score first', () => {
  const truth = scene(
    object(1, 1, [0, 0, 40, 40]),
    object(1, 1, [0, 0, 40, 50]),
    object(1, 2, [100, 100, 40, 40]),
    object(2, 1, [100, 100, 40, 40]),
    object(1, 1, [150, 150, 40, 40], 1),
  );
  const found = [
    detection(1, 1, [0, 0, 40, 42], 0.8), // the first object is taken: IoU 42/50 with the second, bottom 8 off
    detection(1, 1, [0, 0, 40, 41], 0.9), // the first object, bottom 1 off
    detection(1, 1, [0, 0, 40, 40], 0.7), // nothing is left
    detection(1, 1, [100, 100, 40, 40], 0.6), // other class and other image only
    detection(2, 1, [100, 100, 40, 19], 0.6), // IoU 0.475
    detection(1, 1, [150, 150, 40, 40], 0.6), // a crowd
  ];
  const { edges, pixels } = edgeCalibration(
    truth,
    found,
    found.map((_, i) => spread([0.1, 0.1, 0.1, i === 0 ? 0.9 : 0.2], 8)),
  );
  expect(edges).toBe(8);
  expect(pixels.bins.reduce((sum, { count }) => sum + count, 0)).toBe(8);
  expect(pixels.bins.slice(-2).map(({ meanError }) => meanError)).toEqual([1, 8]);
});

test('ten bins of as many edges, and the rank correlation with equal ranks', () => {
  const boxes = Array.from({ length: 6 }, (_, i): Box => [0, 0, 100, 100 + i]);
  const truth = scene(...boxes.map((_, i) => object(i + 1, 1, [0, 0, 100, 100])));
  const found = boxes.map((box, i) => detection(i + 1, 1, box, 0.5));
  const spreads = found.map((_, i) => spread([1, 1, 1, 2 + i], 1));
  const { bins, spearman } = edgeCalibration(truth, found, spreads);
  // 24 edges: 2 or 3 a bin; the last holds spreads 5, 6, 7 and errors 3, 4, 5.
  expect(bins.map(({ count }) => count)).toEqual([2, 2, 3, 2, 3, 2, 2, 3, 2, 3]);
  expect(bins[9]).toEqual({ meanSpread: 6, meanError: 4, count: 3 });
  // Ranks of the spreads: 18 edges share 8.5, then 18 … 23. Of the errors: 19 share 9, then 19 … 23. The mean is 11.5.
  const x = [...Array<number>(18).fill(8.5), 18, 19, 20, 21, 22, 23].map((rank) => rank - 11.5);
  const y = [...Array<number>(19).fill(9), 19, 20, 21, 22, 23].map((rank) => rank - 11.5);
  const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i], 0);
  expect(spearman).toBeCloseTo(dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y)), 12);
  const constant = edgeCalibration(
    truth,
    found,
    found.map(() => spread([1, 1, 1, 1], 1)),
  );
  expect(constant.spearman).toBe(0);
  expect(edgeCalibration(truth, [], [])).toEqual({
    edges: 0,
    bins: [],
    spearman: 0,
    pixels: { bins: [], spearman: 0 },
  });
});

test('the spread is the standard deviation of the bins, edge by edge', async () => {
  const [batch, bins] = [2, 5];
  const sizes = [
    { height: 2, width: 3 },
    { height: 1, width: 1 },
  ];
  const logits = Pyramid.empty(device, batch, 4 * bins, sizes);
  const random = Random.of(3);
  const values = Float32Array.from({ length: logits.size }, () => 3 * random.normal());
  logits.write(values);
  const tensor = edgeSpread(logits);
  const spread = await tensor.read();
  for (const level of logits.levels) {
    const area = level.height * level.width;
    for (let image = 0; image < batch; image++) {
      for (let index = 0; index < area; index++) {
        for (let edge = 0; edge < 4; edge++) {
          const at = (k: number) => level.offset + (image * 4 * bins + edge * bins + k) * area + index;
          const powers = Array.from({ length: bins }, (_, k) => Math.exp(values[at(k)]));
          const sum = powers.reduce((a, b) => a + b, 0);
          const mean = powers.reduce((total, power, k) => total + (k * power) / sum, 0);
          const variance = powers.reduce((total, power, k) => total + ((k - mean) ** 2 * power) / sum, 0);
          const row = 4 * (batch * level.start + image * area + index) + edge;
          expect(spread[row]).toBeCloseTo(Math.sqrt(variance), 5);
        }
      }
    }
  }
  for (const each of [logits, tensor]) each.dispose();
});
