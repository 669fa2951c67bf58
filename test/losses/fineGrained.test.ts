import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkGradients } from '../../src/autograd/checkGradients.js';
import { backward, Variable } from '../../src/autograd/variable.js';
import { integral } from '../../src/losses/distribution.js';
import { decoupledDistillationFocalLoss, fineGrainedLocalizationLoss } from '../../src/losses/fineGrained.js';
import { fineGrainedProjection, uniformProjection } from '../../src/losses/projection.js';
import { sharedDevice } from '../device.js';
import { softmax } from '../reference/bins.js';
import { expectClose } from '../reference/closeTo.js';
import { fineGrainedLoss } from '../reference/projection.js';
import { temperatureKL } from '../reference/temperatureKL.js';
import { expectRows, normals, RUNS, rowCases, rowOf, uniforms } from './rowCases.js';

const device = await sharedDevice();

/** D-FINE's W(n), computed by hand from the paper's a = 0.5 and c = 4. */
const HALF = [
  0, 0.07599, 0.157754, 0.245731, 0.340394, 0.44225, 0.551846, 0.66977, 0.796655, 0.933182, 1.080084, 1.238149,
  1.408225, 1.591225, 1.788131, 2, 4,
];

describe('projections', () => {
  test("D-FINE's W(n): mirrored about 0, steps that grow, the ends apart", () => {
    const table = fineGrainedProjection();
    expect(table).toHaveLength(33);
    expectClose(table.slice(16), HALF, { absolute: 1e-5 }, 'W');
    expectClose(table.slice(0, 17), HALF.map((x) => -x).reverse(), { absolute: 1e-5 }, 'W');
    expect(fineGrainedProjection(5, { up: 1, scale: 2 })).toEqual([-4, -2, 0, 2, 4].map((x) => expect.closeTo(x, 12)));
  });

  test('evenly spread bins', () => {
    expect(uniformProjection(4)).toEqual([0, 1, 2, 3]);
    expect(uniformProjection(9, -2, 2)[3]).toBe(-0.5);
    for (const [bins, from, to, message] of [
      [1, 0, 1, /^bins: 1/],
      [4, 2, 2, /^from: 2, to: 2; expected/],
      [4, Number.NaN, 2, /^from: NaN/],
    ] as const) {
      expect(() => uniformProjection(bins, from, to)).toThrow(message);
    }
    expect(() => fineGrainedProjection(32)).toThrow(/^bins: 32; expected an odd integer/);
    expect(() => fineGrainedProjection(33, { up: 0 })).toThrow(/^up: 0/);
  });

  test('tables that are none', () => {
    const logits = new Variable(device.zeros([2, 3]));
    expect(() => integral(logits, { projection: [0, 1] })).toThrow(/^projection: .*; expected a list of 3 values/);
    expect(() => integral(logits, { projection: [0, 1, 1] })).toThrow(/^projection\[2\]: 1; expected finite values/);
    expect(() => integral(logits, { projection: [0, Number.NaN, 1] })).toThrow(/^projection\[1\]: NaN/);
    expect(() => fineGrainedLocalizationLoss(logits, device.zeros([3]))).toThrow(/^targets: .* of shape \[2\]/);
    expect(() => decoupledDistillationFocalLoss(logits, device.zeros([2, 3]), device.zeros([3]))).toThrow(/^matched: /);
  });
});

/** Increasing values, none evenly spread. */
const tableOf = (bins: number, seed: number) => {
  const steps = uniforms(seed, bins, 0.05, 1.5);
  return Array.from(steps, (_, k) => Math.fround(-3 + steps.slice(0, k).reduce((sum, step) => sum + step, 0)));
};

test('the integral over a table and its gradient', () =>
  fc.assert(
    fc.asyncProperty(
      fc.record({ rows: fc.integer({ min: 0, max: 60 }), bins: fc.constantFrom(2, 33), seed: fc.nat() }),
      async ({ rows, bins, seed }) => {
        const logits = normals(seed, rows * bins, 2);
        const table = tableOf(bins, seed + 1);
        const leaf = new Variable(device.tensor(logits, [rows, bins]), true);
        const output = integral(leaf, { projection: table });
        const values = await output.value.read();
        backward({ variable: output, gradient: device.tensor(new Float32Array(rows).fill(1), [rows]) });
        const gradient = await leaf.gradient!.read();
        for (let row = 0; row < rows; row++) {
          const p = softmax(rowOf(logits, row, bins));
          const mean = p.reduce((sum, share, k) => sum + share * table[k], 0);
          expectClose([values[row]], [mean], { absolute: 2e-5 });
          expectClose(
            rowOf(gradient, row, bins),
            p.map((share, k) => share * (table[k] - mean)),
            { absolute: 2e-5 },
          );
        }
      },
    ),
    RUNS,
  ));

test('fine-grained loss equals the oracle, with targets inside, on and beyond the values', () =>
  fc.assert(
    fc.asyncProperty(rowCases([2, 33]), fc.boolean(), async (drawn, isUniform) => {
      const { rows, columns, seed, scale } = drawn;
      const table = isUniform ? Array.from(uniformProjection(columns)) : tableOf(columns, seed + 7);
      const logits = normals(seed, rows * columns, scale);
      const [low, high] = [table[0], table[columns - 1]];
      const targets = uniforms(seed + 3, rows, low - 1, high + 1).map((y, i) => (i % 4 === 0 ? table[i % columns] : y));
      await expectRows(
        device,
        drawn,
        logits,
        (input, options) =>
          fineGrainedLocalizationLoss(input, device.tensor(targets, [rows]), {
            ...options,
            ...(!isUniform && { projection: table }),
          }),
        (row) => fineGrainedLoss(rowOf(logits, row, columns), targets[row], table),
        // A share is a difference of values over a step of at least 0.05, and the two bins' ln p differ by a few `scale`.
        { absolute: 2e-5 * (1 + scale), relative: 2e-6 },
      );
    }),
    RUNS,
  ));

test('the gradient is the central difference', async () => {
  const targets = device.tensor([0, 3.3, -5, 0.6]);
  const logits = device.tensor(normals(2, 4 * 33, 1), [4, 33]);
  const projection = fineGrainedProjection();
  const loss = (input: Variable) => fineGrainedLocalizationLoss(input, targets, { projection, reduction: 'none' });
  expect((await checkGradients(loss, [logits])).relative).toBeLessThan(2e-3);
});

test('decoupled distillation equals the oracle for any number of matched rows', () =>
  fc.assert(
    fc.asyncProperty(
      fc.record({
        rows: fc.constantFrom(0, 1, 7, 300),
        share: fc.constantFrom(0, 0.2, 1),
        seed: fc.nat(),
        temperature: fc.constantFrom(1, 5),
        weighted: fc.boolean(),
      }),
      async ({ rows, share, seed, temperature, weighted }) => {
        const bins = 9;
        const [student, teacher] = [normals(seed, rows * bins, 2), normals(seed + 1, rows * bins, 2)];
        const matched = uniforms(seed + 2, rows, 0, 1).map((x) => (x < share ? 1 : 0));
        const weights = weighted ? uniforms(seed + 3, rows, 0, 1) : new Float32Array(rows).fill(1);
        const leaf = new Variable(device.tensor(student, [rows, bins]), true);
        const loss = decoupledDistillationFocalLoss(
          leaf,
          device.tensor(teacher, [rows, bins]),
          device.tensor(matched, [rows]),
          { temperature, lossWeight: 1.5, ...(weighted && { weights: device.tensor(weights, [rows]) }) },
        );
        const [value] = await loss.value.read();
        backward({ variable: loss });
        const gradient = await leaf.gradient!.read();

        const numbers = [1, 0].map((kind) => matched.filter((m) => m === kind).length);
        const [rootP, rootQ] = numbers.map(Math.sqrt);
        let total = 0;
        const slopes: number[] = [];
        for (let row = 0; row < rows; row++) {
          const { loss: kl, gradient: slope } = temperatureKL(
            rowOf(student, row, bins),
            rowOf(teacher, row, bins),
            temperature,
          );
          const [root, count] = matched[row] === 1 ? [rootP, numbers[0]] : [rootQ, numbers[1]];
          // The oracle's divergence is a mean over the bins.
          const factor = (1.5 * bins * weights[row] * root) / (count * (rootP + rootQ));
          total += factor * kl;
          slopes.push(...Array.from(slope, (g) => factor * g));
        }
        expectClose([value], [total], { relative: 1e-5, absolute: 1e-6 }, 'loss');
        const largest = Math.max(0, ...slopes.map(Math.abs));
        expectClose(gradient, slopes, { absolute: 1e-5 * largest }, 'gradient');
      },
    ),
    RUNS,
  ));
