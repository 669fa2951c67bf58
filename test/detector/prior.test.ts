import { expect, test } from 'vitest';
import { detectorConfig } from '../../src/detector/config.js';
import { declareHead } from '../../src/detector/head.js';
import { Layers } from '../../src/detector/layers.js';
import { PRIOR, priorOf } from '../../src/detector/prior.js';
import { resolveRecipe } from '../../src/losses/recipe.js';

const config = (strides: number[], classes = 3) =>
  detectorConfig({ size: 'tiny', classes, strides, width: 256, height: 128 });

test.each([
  [[8, 16, 32], 80],
  [[8, 16, 32, 64], 3],
])('yolov8 on strides %j, %i classes: the scores add up to what Ultralytics starts from', (strides, classes) => {
  // bias_init: b[-1].bias.data[:m.nc] = math.log(5 / m.nc / (640 / s) ** 2)
  const cells = strides.map((stride) => (640 / stride) ** 2);
  const theirs = cells.reduce((sum, n) => sum + n * classes * Math.exp(Math.log(5 / classes / n)), 0);
  const prior = priorOf(resolveRecipe('yolov8'), config(strides, classes));
  expect(cells.reduce((sum, n) => sum + n * classes * prior, 0)).toBeCloseTo(theirs, 9);
});

test('all other heads start from 0.01', () => {
  for (const name of ['gfocal', 'nanodet-plus', 'ppyoloe', 'picodet+ld']) {
    expect(priorOf(resolveRecipe(name), config([8, 16, 32]))).toBe(0.01);
  }
});

test.each([PRIOR, 1e-5])('the prior %d is the score of the bias', (prior) => {
  const layers = new Layers();
  declareHead(layers, config([8, 16]), prior);
  const bias = layers.declarations(1).find(({ name }) => name === 'head.classLogits.bias')!.initial;
  expect(bias).toHaveLength(3);
  for (const value of bias) expect(1 / (1 + Math.exp(-value))).toBeCloseTo(prior, 8);
  // To the bit: trainings of earlier versions begin with it.
  if (prior === PRIOR) expect(bias[0]).toBe(Math.fround(-Math.log(99)));
});
