import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkGradients } from '../../src/autograd/checkGradients.js';
import { backward, Variable } from '../../src/autograd/variable.js';
import { temperatureKL } from '../../src/losses/ld.js';
import { sharedDevice } from '../device.js';
import { expectClose } from '../reference/closeTo.js';
import * as reference from '../reference/temperatureKL.js';
import { expectRows, normals, RUNS, rowCases, rowOf } from './rowCases.js';

const device = await sharedDevice();

const student = Float32Array.from({ length: 17 }, (_, k) => Math.sin(0.7 * k));
const teacher = Float32Array.from({ length: 17 }, (_, k) => 2 * Math.cos(0.5 * k + 0.3));

async function lossAndGradient(z: ArrayLike<number>, t: ArrayLike<number>, options: object) {
  const leaf = new Variable(device.tensor(z, [1, z.length]), true);
  const loss = temperatureKL(leaf, device.tensor(t, [1, t.length]), options);
  const [value] = await loss.value.read();
  backward({ variable: loss });
  return { value, gradient: await leaf.gradient!.read() };
}

test('equals the oracle', () =>
  fc.assert(
    fc.asyncProperty(rowCases([1, 17, 80]), fc.constantFrom(1, 2, 10, 30), async (drawn, temperature) => {
      const { rows, columns, seed, scale } = drawn;
      const z = normals(seed, rows * columns, scale);
      const t = normals(seed + 3, rows * columns, scale);
      await expectRows(
        device,
        drawn,
        z,
        (input, options) => temperatureKL(input, device.tensor(t, [rows, columns]), { ...options, temperature }),
        (row) => reference.temperatureKL(rowOf(z, row, columns), rowOf(t, row, columns), temperature),
        { absolute: 1e-6, relative: 1e-5 },
      );
    }),
    RUNS,
  ));

test('the specification’s vectors', async () => {
  const cool = await lossAndGradient(student, teacher, { temperature: 1 });
  expect(cool.value).toBeCloseTo(0.020510742, 7);
  expectClose(cool.gradient.slice(0, 3), [-0.0068371, -0.0006129, 0.0046949], { absolute: 1e-7 });
  const warm = await lossAndGradient(student, teacher, {});
  expect(warm.value).toBeCloseTo(0.033588678, 7);
  expectClose(warm.gradient.slice(0, 3), [-0.0064125, -0.0020668, 0.0023939], { absolute: 1e-7 });
  const main = await lossAndGradient(student, teacher, {
    lossWeight: 0.25,
    averageFactor: 4,
    weights: device.tensor([0.37]),
  });
  expect(main.value).toBeCloseTo(0.0007767382, 8);
  expectClose(main.gradient.slice(0, 3), [-1.48289e-4, -4.7795e-5, 5.536e-5], { absolute: 2e-9 });
});

test('at high temperature it is half the variance of the logit difference over K', async () => {
  const difference = student.map((z, k) => z - teacher[k]);
  const mean = difference.reduce((a, b) => a + b) / 17;
  const limit = difference.reduce((sum, d) => sum + (d - mean) ** 2, 0) / (2 * 17 ** 2);
  const { value } = await lossAndGradient(student, teacher, { temperature: 1000 });
  // ln p and ln q differ by 1e-3 here, and f32 rounds each of them to 2e-7: 2e-4 of the loss.
  expect(Math.abs(value / 0.03416461 - 1)).toBeLessThan(2e-4);
  expect(Math.abs(value / limit - 1)).toBeLessThan(3e-4);
});

test('nothing between equals, never negative, no gradient along the all-ones direction', () =>
  fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.constantFrom(0.01, 1, 30),
      fc.double({ min: 0.5, max: 50, noNaN: true }),
      async (seed, scale, T) => {
        const [rows, bins] = [64, 17];
        const z = normals(seed, rows * bins, scale);
        const equal = temperatureKL(new Variable(device.tensor(z, [rows, bins])), device.tensor(z, [rows, bins]), {
          temperature: T,
          reduction: 'none',
        });
        expect(Array.from(await equal.value.read())).toEqual(new Array(rows).fill(0));

        const leaf = new Variable(device.tensor(z, [rows, bins]), true);
        const losses = temperatureKL(leaf, device.tensor(normals(seed + 1, rows * bins, scale), [rows, bins]), {
          temperature: T,
          reduction: 'none',
        });
        for (const loss of await losses.value.read()) expect(loss).toBeGreaterThanOrEqual(0);
        backward({ variable: losses, gradient: device.tensor(new Float32Array(rows).fill(1)) });
        const gradient = await leaf.gradient!.read();
        for (let row = 0; row < rows; row++) {
          const sum = rowOf(gradient, row, bins).reduce((a, b) => a + b);
          expect(Math.abs(sum)).toBeLessThan((T / bins) * 2e-6);
        }
      },
    ),
    RUNS,
  ));

test('logits of ten thousand, and a teacher’s probability of 0: finite and right', async () => {
  const far = await lossAndGradient([1e4, -1e4], [-1e4, 1e4], { temperature: 1 });
  expect(far.value).toBe(1e4);
  expect(Array.from(far.gradient)).toEqual([0.5, -0.5]);
  // A common offset changes nothing.
  const moved = await lossAndGradient(
    student.map((z) => Math.fround(z) + 8192),
    teacher,
    { temperature: 1 },
  );
  // f32 at 8192 has steps of 2^-10, so that the moved logits are themselves off by up to 5e-4.
  expect(Math.abs(moved.value - 0.020510742)).toBeLessThan(5e-5);
});

test('the gradient is the central difference', async () => {
  const t = device.tensor(normals(3, 5 * 17, 2), [5, 17]);
  const z = device.tensor(normals(4, 5 * 17, 2), [5, 17]);
  for (const temperature of [1, 10]) {
    const check = await checkGradients((input) => temperatureKL(input, t, { temperature, reduction: 'none' }), [z]);
    expect(check.relative).toBeLessThan(2e-3);
  }
});

test('a teacher with other bins or rows, and a wrong temperature, are refused', () => {
  const logits = new Variable(device.zeros([3, 17]));
  expect(() => temperatureKL(logits, device.zeros([3, 9]))).toThrow(
    "teacher: rows of 9; the student's have 17. Distillation compares bin by bin",
  );
  expect(() => temperatureKL(logits, device.zeros([4, 17]))).toThrow('teacher: 4 rows; the student has 3');
  expect(() => temperatureKL(logits, device.zeros([3, 17]), { temperature: 0 })).toThrow('temperature: 0; expected');
});
