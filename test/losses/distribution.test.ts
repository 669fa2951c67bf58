import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkGradients } from '../../src/autograd/checkGradients.js';
import { backward, Variable } from '../../src/autograd/variable.js';
import { integral, softmaxOverBins } from '../../src/losses/distribution.js';
import { sharedDevice } from '../device.js';
import * as reference from '../reference/bins.js';
import { expectClose } from '../reference/closeTo.js';
import { normals, RUNS, rowOf } from './rowCases.js';

const device = await sharedDevice();

const rowsOfLogits = fc.record({
  rows: fc.integer({ min: 0, max: 150 }),
  bins: fc.constantFrom(1, 17, 40),
  seed: fc.nat(),
  scale: fc.constantFrom(0.2, 2, 20, 10_000),
});

test('softmax over bins and its gradient', () =>
  fc.assert(
    fc.asyncProperty(rowsOfLogits, async ({ rows, bins, seed, scale }) => {
      const logits = normals(seed, rows * bins, scale);
      const incoming = normals(seed + 1, rows * bins, 1);
      const leaf = new Variable(device.tensor(logits, [rows, bins]), true);
      const output = softmaxOverBins(leaf);
      const values = await output.value.read();
      backward({ variable: output, gradient: device.tensor(incoming, [rows, bins]) });
      const gradient = await leaf.gradient!.read();
      for (let row = 0; row < rows; row++) {
        const p = reference.softmax(rowOf(logits, row, bins));
        const g = rowOf(incoming, row, bins);
        const mean = p.reduce((sum, value, k) => sum + value * g[k], 0);
        expectClose(rowOf(values, row, bins), p, { absolute: 1e-6 });
        expectClose(
          rowOf(gradient, row, bins),
          p.map((value, k) => value * (g[k] - mean)),
          { absolute: 1e-5 },
        );
      }
    }),
    RUNS,
  ));

test('integral and its gradient', () =>
  fc.assert(
    fc.asyncProperty(rowsOfLogits, async ({ rows, bins, seed, scale }) => {
      const logits = normals(seed, rows * bins, scale);
      const incoming = normals(seed + 1, rows, 1);
      const leaf = new Variable(device.tensor(logits, [rows, bins]), true);
      const output = integral(leaf);
      expect(output.value.shape).toEqual([rows]);
      const values = await output.value.read();
      backward({ variable: output, gradient: device.tensor(incoming, [rows]) });
      const gradient = await leaf.gradient!.read();
      for (let row = 0; row < rows; row++) {
        const z = rowOf(logits, row, bins);
        expect(Math.abs(values[row] - reference.integral(z))).toBeLessThan(1e-6 * bins);
        expectClose(
          rowOf(gradient, row, bins),
          reference.integralGradient(z).map((g) => g * incoming[row]),
          { absolute: 2e-6 * bins },
        );
      }
    }),
    RUNS,
  ));

test('the specification’s vectors', async () => {
  const logits = Float32Array.from({ length: 34 }, (_, i) => (i < 17 ? Math.sin(0.7 * i) : 3));
  const values = await integral(new Variable(device.tensor(logits, [2, 17]))).value.read();
  expectClose(values, [7.149936925, 8], { absolute: 3e-6 });
});

test('gradients are central differences', async () => {
  const logits = device.tensor(normals(5, 6 * 17, 1), [6, 17]);
  expect((await checkGradients(softmaxOverBins, [logits])).relative).toBeLessThan(2e-3);
  expect((await checkGradients((input) => integral(input), [logits])).relative).toBeLessThan(2e-3);
});

test('input that is not rows of logits is refused', () => {
  expect(() => integral(new Variable(device.zeros([17])))).toThrow('logits: a f32 tensor of shape [17]; expected');
  expect(() => softmaxOverBins(new Variable(device.zeros([2, 17], 'i32')))).toThrow('logits: a i32 tensor');
});
