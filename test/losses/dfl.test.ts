import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkGradients } from '../../src/autograd/checkGradients.js';
import { Variable } from '../../src/autograd/variable.js';
import { distributionFocalLoss } from '../../src/losses/dfl.js';
import { sharedDevice } from '../device.js';
import * as reference from '../reference/distributionFocalLoss.js';
import { expectRows, normals, RUNS, rowCases, rowOf, uniforms } from './rowCases.js';

const device = await sharedDevice();

test('equals the oracle, with distances inside, on and beyond the bins', () =>
  fc.assert(
    fc.asyncProperty(rowCases([2, 17, 40]), async (drawn) => {
      const { rows, columns, seed, scale } = drawn;
      const logits = normals(seed, rows * columns, scale);
      const distances = uniforms(seed + 3, rows, -2, columns + 2).map((y, i) => (i % 4 === 0 ? Math.round(y) : y));
      await expectRows(
        device,
        drawn,
        logits,
        (input, options) => distributionFocalLoss(input, device.tensor(distances, [rows]), options),
        (row) => reference.distributionFocalLoss(rowOf(logits, row, columns), distances[row]),
        // The end of the clamp, K − 1.1, is rounded to f32 (2e-6), and the two bins' ln p differ by a few `scale`.
        { absolute: 5e-6 * (1 + scale), relative: 2e-6 },
      );
    }),
    RUNS,
  ));

test('the specification’s vector', async () => {
  const logits = Float32Array.from({ length: 17 }, (_, k) => Math.sin(0.7 * k));
  const loss = distributionFocalLoss(new Variable(device.tensor(logits, [1, 17])), device.tensor([3.3]));
  expect((await loss.value.read())[0]).toBeCloseTo(2.3963931275, 5);
});

test('the gradient is the central difference', async () => {
  const distances = device.tensor([0, 3.3, 15.9, 7]);
  const logits = device.tensor(normals(2, 4 * 17, 1), [4, 17]);
  const check = await checkGradients(
    (input) => distributionFocalLoss(input, distances, { reduction: 'none' }),
    [logits],
  );
  expect(check.relative).toBeLessThan(2e-3);
});

test('logits of ten thousand: finite and right', async () => {
  const logits = [1e4, -1e4, 0, -1e4, 1e4, 0];
  const input = new Variable(device.tensor(logits, [2, 3]));
  const loss = distributionFocalLoss(input, device.tensor([0.5, 1]), { reduction: 'none' });
  expect(Array.from(await loss.value.read())).toEqual([1e4, 0]);
});

test('wrong shapes are refused', () => {
  const logits = new Variable(device.zeros([3, 17]));
  expect(() => distributionFocalLoss(logits, device.zeros([4]))).toThrow(
    'distances: a f32 tensor of shape [4]; expected f32 of shape [3]',
  );
  expect(() => distributionFocalLoss(new Variable(device.zeros([3, 1])), device.zeros([3]))).toThrow('K of at least 2');
  const distances = device.zeros([3]);
  expect(() => distributionFocalLoss(logits, distances, { weights: device.zeros([2]) })).toThrow('weights: ');
  expect(() => distributionFocalLoss(logits, distances, { averageFactor: -1 })).toThrow('averageFactor: -1');
  expect(() => distributionFocalLoss(logits, distances, { averageFactor: device.zeros([2]) })).toThrow(
    'one f32 element',
  );
  expect(() => distributionFocalLoss(logits, distances, { lossWeight: Number.NaN })).toThrow('lossWeight: NaN');
});
