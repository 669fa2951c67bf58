import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkGradients } from '../../src/autograd/checkGradients.js';
import { backward, Variable } from '../../src/autograd/variable.js';
import { classDistillation } from '../../src/losses/kd.js';
import { sharedDevice } from '../device.js';
import { expectClose } from '../reference/closeTo.js';
import { focalBinary } from '../reference/focalBinary.js';
import * as reference from '../reference/temperatureKL.js';
import { expectRows, normals, RUNS, rowCases, rowOf } from './rowCases.js';

const device = await sharedDevice();

test('the binary form equals the oracle', () =>
  fc.assert(
    fc.asyncProperty(rowCases([1, 3, 20]), fc.constantFrom(1, 2, 8), async (drawn, temperature) => {
      const { rows, columns, seed, scale } = drawn;
      const z = normals(seed, rows * columns, scale);
      const t = normals(seed + 3, rows * columns, scale);
      await expectRows(
        device,
        drawn,
        z,
        (input, options) =>
          classDistillation(input, device.tensor(t, [rows, columns]), { ...options, temperature, form: 'binary' }),
        (row) => reference.binaryTemperatureKL(rowOf(z, row, columns), rowOf(t, row, columns), temperature),
        { absolute: 5e-6, relative: 1e-5 },
      );
    }),
    RUNS,
  ));

test('the binary form of logits that are close is as exact as of others', async () => {
  const [columns, temperature] = [24, 5];
  const t = normals(7, columns, 1);
  // From 1e-4 to beyond 1/2, where the kernel leaves the series, to both sides.
  const z = t.map((value, k) => Math.fround(value + (k % 2 ? -1 : 1) * 10 ** (k / 5 - 4)));
  const leaf = new Variable(device.tensor(z, [1, columns]), true);
  const loss = classDistillation(leaf, device.tensor(t, [1, columns]), { form: 'binary', temperature });
  const expected = reference.binaryTemperatureKL(z, t, temperature);
  expectClose(await loss.value.read(), [expected.loss], { relative: 2e-6 }, 'loss');
  backward({ variable: loss });
  expectClose(await leaf.gradient!.read(), expected.gradient, { relative: 2e-6 }, 'gradient');
});

test('the focal form equals the oracle', () =>
  fc.assert(
    fc.asyncProperty(
      rowCases([1, 3, 20]),
      fc.constantFrom(1, 3),
      fc.constantFrom(1, 2, 1.5),
      async (drawn, temperature, beta) => {
        const { rows, columns, seed, scale } = drawn;
        const z = normals(seed, rows * columns, scale);
        const t = normals(seed + 3, rows * columns, scale);
        const form = 'focal-binary';
        await expectRows(
          device,
          drawn,
          z,
          (input, options) =>
            classDistillation(input, device.tensor(t, [rows, columns]), { ...options, temperature, form, beta }),
          (row) => focalBinary(rowOf(z, row, columns), rowOf(t, row, columns), temperature, beta),
          { absolute: 5e-6, relative: 1e-5 },
        );
      },
    ),
    RUNS,
  ));

test('the focal form has temperature and exponent 1, and refuses a negative one', async () => {
  const one = (options: object) =>
    classDistillation(new Variable(device.tensor([3, -1], [1, 2])), device.tensor([-2, 0.5], [1, 2]), {
      form: 'focal-binary',
      ...options,
    });
  expect((await one({}).value.read())[0]).toBeCloseTo(focalBinary([3, -1], [-2, 0.5], 1, 1).loss, 5);
  expect(() => one({ beta: -1 })).toThrow('beta: -1; expected an exponent of at least 0');
});

test('the softmax form is the specification’s vector', async () => {
  const leaf = new Variable(device.tensor([1, -2, 0.5, 0], [1, 4]), true);
  const loss = classDistillation(leaf, device.tensor([2, -1, 0, 1], [1, 4]), { lossWeight: 10 });
  expect((await loss.value.read())[0]).toBeCloseTo(0.45868129, 6);
  backward({ variable: loss });
  const gradient = await leaf.gradient!.read();
  expectClose(gradient, [-0.3584325, -0.0799771, 0.65581, -0.2174003], { absolute: 1e-6 });
});

test('with a single class the softmax form is silent and the binary form is not', async () => {
  const one = (form: 'softmax' | 'binary') =>
    classDistillation(new Variable(device.tensor([3], [1, 1])), device.tensor([-2], [1, 1]), { form });
  expect((await one('softmax').value.read())[0]).toBe(0);
  const { loss } = reference.binaryTemperatureKL([3], [-2], 2);
  expect((await one('binary').value.read())[0]).toBeCloseTo(loss, 5);
});

test('the binary form is 0 between equals and finite at logits of ten thousand', async () => {
  const binary = async (z: number[], t: number[]) => {
    const leaf = new Variable(device.tensor(z, [1, z.length]), true);
    const loss = classDistillation(leaf, device.tensor(t, [1, t.length]), { form: 'binary', temperature: 1 });
    const [value] = await loss.value.read();
    backward({ variable: loss });
    return { value, gradient: Array.from(await leaf.gradient!.read()) };
  };
  expect(await binary([0.3, -7, 1e4, -1e4], [0.3, -7, 1e4, -1e4])).toEqual({ value: 0, gradient: [0, 0, 0, 0] });
  expect(await binary([1e4, -1e4], [-1e4, 1e4])).toEqual({ value: 1e4, gradient: [0.5, -0.5] });
});

test('the gradient is the central difference', async () => {
  const t = device.tensor(normals(3, 15, 2), [5, 3]);
  const z = device.tensor(normals(4, 15, 2), [5, 3]);
  const check = await checkGradients(
    (input) => classDistillation(input, t, { form: 'binary', reduction: 'none' }),
    [z],
  );
  expect(check.relative).toBeLessThan(2e-3);
});

test('a teacher of other classes is refused', () => {
  const logits = new Variable(device.zeros([3, 80]));
  for (const form of ['softmax', 'binary'] as const) {
    expect(() => classDistillation(logits, device.zeros([3, 20]), { form })).toThrow('teacher: rows of 20');
  }
});
