import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkGradients } from '../../src/autograd/checkGradients.js';
import { backward, Variable } from '../../src/autograd/variable.js';
import { qualityFocalLoss } from '../../src/losses/qfl.js';
import { Random } from '../../src/tensor/random.js';
import { sharedDevice } from '../device.js';
import { expectClose } from '../reference/closeTo.js';
import * as reference from '../reference/qualityFocal.js';
import { expectRows, normals, RUNS, rowCases, uniforms } from './rowCases.js';

const device = await sharedDevice();

/** Class -1 and class C are background. */
function labelsOf(seed: number, rows: number, classes: number): Int32Array<ArrayBuffer> {
  const random = Random.of(seed);
  return Int32Array.from({ length: rows }, () => random.integer(classes + 2) - 1);
}

test('equals the oracle', () =>
  fc.assert(
    fc.asyncProperty(rowCases([1, 3, 80]), fc.constantFrom(2, 2, 0, 1, 1.5), async (drawn, beta) => {
      const { rows, columns, seed, scale } = drawn;
      const logits = normals(seed, rows * columns, scale);
      const labels = labelsOf(seed + 3, rows, columns);
      const quality = uniforms(seed + 4, rows, 0, 1);
      await expectRows(
        device,
        drawn,
        logits,
        (input, options) =>
          qualityFocalLoss(
            input,
            { labels: device.tensor(labels, [rows]), quality: device.tensor(quality, [rows]) },
            { ...options, beta },
          ),
        (row) => {
          let loss = 0;
          const gradient = new Float64Array(columns);
          for (let c = 0; c < columns; c++) {
            const y = labels[row] === c ? quality[row] : 0;
            const one = reference.qualityFocalLoss(logits[row * columns + c], y, beta);
            loss += one.loss;
            gradient[c] = one.gradient;
          }
          return { loss, gradient };
        },
        { absolute: 5e-6, relative: 1e-5 },
      );
    }),
    RUNS,
  ));

test('the specification’s vectors', async () => {
  const leaf = new Variable(device.tensor([0.5, 0.5, -4.59511985], [3, 1]), true);
  const targets = { labels: device.tensor(Int32Array.of(1, 0, 1)), quality: device.tensor([0.3, 0.8, 0.3]) };
  const losses = qualityFocalLoss(leaf, targets, { reduction: 'none' });
  expectClose(await losses.value.read(), [0.3774116, 0.0180953, 1.005034e-6], { relative: 3e-6 });
  backward({ variable: losses, gradient: device.tensor([1, 1, 1]) });
  expectClose(await leaf.gradient!.read(), [0.52615182, -0.05350031, 2.989967e-6], { relative: 3e-6 });
});

test('logits of ten thousand: finite and right', async () => {
  const leaf = new Variable(device.tensor([1e4, 1e4, -1e4, -1e4], [4, 1]), true);
  const targets = { labels: device.tensor(Int32Array.of(1, 0, 1, 0)), quality: device.tensor([0, 1, 0, 1]) };
  const losses = qualityFocalLoss(leaf, targets, { reduction: 'none' });
  expect(Array.from(await losses.value.read())).toEqual([1e4, 0, 0, 1e4]);
  backward({ variable: losses, gradient: device.tensor([1, 1, 1, 1]) });
  expect(Array.from(await leaf.gradient!.read())).toEqual([1, 0, 0, -1]);
});

test('the gradient is the central difference', async () => {
  const targets = { labels: device.tensor(Int32Array.of(0, 2, 3, 1)), quality: device.tensor([0.9, 0.4, 0.1, 0]) };
  const logits = device.tensor(normals(4, 12, 2), [4, 3]);
  for (const beta of [2, 1.5]) {
    const check = await checkGradients(
      (input) => qualityFocalLoss(input, targets, { beta, reduction: 'none' }),
      [logits],
    );
    expect(check.relative).toBeLessThan(2e-3);
  }
});

test('wrong types and shapes are refused', () => {
  const logits = new Variable(device.zeros([3, 5]));
  const quality = device.zeros([3]);
  expect(() => qualityFocalLoss(logits, { labels: device.zeros([3]), quality })).toThrow(
    'labels: a f32 tensor of shape [3]; expected i32 of shape [3]',
  );
  const labels = device.zeros([3], 'i32');
  expect(() => qualityFocalLoss(logits, { labels, quality: device.zeros([4]) })).toThrow('quality: ');
  expect(() => qualityFocalLoss(logits, { labels, quality }, { beta: -1 })).toThrow('beta: -1');
});
