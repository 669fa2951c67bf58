import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkGradients } from '../../src/autograd/checkGradients.js';
import { backward, Variable } from '../../src/autograd/variable.js';
import { giouLoss } from '../../src/losses/giou.js';
import { Random } from '../../src/tensor/random.js';
import { sharedDevice } from '../device.js';
import { boxAt } from '../reference/boxes.js';
import { expectClose } from '../reference/closeTo.js';
import * as reference from '../reference/giou.js';
import { expectRows, RUNS, rowCases } from './rowCases.js';

const device = await sharedDevice();

const FORMS = [
  ['giou', reference.giouLoss],
  ['ciou', reference.ciouLoss],
] as const;

/** Boxes of half a unit and more; every other one on a lattice of halves, where edges coincide with those of others. */
function boxes(seed: number, count: number): Float32Array<ArrayBuffer> {
  const random = Random.of(seed);
  const values = new Float32Array(4 * count);
  for (let i = 0; i < count; i++) {
    const at = () => (i % 2 === 0 ? random.uniform(-8, 8) : random.integer(8) / 2);
    const side = () => (i % 2 === 0 ? random.uniform(0.5, 16) : (1 + random.integer(6)) / 2);
    const [x, y] = [at(), at()];
    values.set([x, y, x + side(), y + side()], 4 * i);
  }
  return values;
}

for (const [form, oracle] of FORMS) {
  test(`${form}: equals the oracle, at ties too`, () =>
    fc.assert(
      fc.asyncProperty(rowCases([4]), async (drawn) => {
        const predicted = boxes(drawn.seed, drawn.rows);
        const truth = boxes(drawn.seed + 9, drawn.rows);
        await expectRows(
          device,
          drawn,
          predicted,
          (input, options) => giouLoss(input, device.tensor(truth, [drawn.rows, 4]), { ...options, form }),
          (row) => oracle(boxAt(predicted, row), boxAt(truth, row)),
          { absolute: 5e-6, relative: 1e-5 },
        );
      }),
      RUNS,
    ));

  test(`${form}: perfect, nearly perfect, disjoint and empty boxes give finite losses and gradients`, async () => {
    const predicted = [1, 2, 4, 7, 1, 2, 4, 7.001, 0, 0, 1, 1, 3, 3, 3, 3, 2, 2, 2, 2, 5, 5, 5, 9];
    const truth = [1, 2, 4, 7, 1, 2, 4, 7, 3, 3, 4, 4, 0, 0, 8, 8, 2, 2, 2, 2, 0, 0, 8, 8];
    const leaf = new Variable(device.tensor(predicted, [6, 4]), true);
    const losses = giouLoss(leaf, device.tensor(truth, [6, 4]), { form, reduction: 'none' });
    const values = await losses.value.read();
    expectClose(
      values.slice(0, 3),
      [0, 1, 2].map((row) => oracle(boxAt(predicted, row), boxAt(truth, row)).loss),
      {
        absolute: 1e-6,
      },
    );
    backward({ variable: losses, gradient: device.tensor([1, 1, 1, 1, 1, 1]) });
    for (const value of [...values, ...(await leaf.gradient!.read())]) expect(value).toSatisfy(Number.isFinite);
  });

  test(`${form}: the gradient is the central difference`, async () => {
    const truth = device.tensor([0, 0, 5, 4, 0, 0, 2, 2, -3, 1, 4, 9], [3, 4]);
    const predicted = device.tensor([0.7, -0.6, 4.1, 5.2, 3.1, 2.6, 4.4, 5.2, -2.5, 2.2, 6.3, 7.7], [3, 4]);
    const check = await checkGradients((input) => giouLoss(input, truth, { form, reduction: 'none' }), [predicted]);
    expect(check.relative).toBeLessThan(2e-3);
  });
}

test('the specification’s vector', async () => {
  const predicted = new Variable(device.tensor([-32, -32, 32, 32], [1, 4]));
  const loss = giouLoss(predicted, device.tensor([-10, -20, 150, 180], [1, 4]));
  expect((await loss.value.read())[0]).toBeCloseTo(1 + 0.056684479, 6);
});

test('other shapes are refused', () => {
  const predicted = new Variable(device.zeros([3, 4]));
  expect(() => giouLoss(predicted, device.zeros([2, 4]))).toThrow('truth: a f32 tensor of shape [2,4]');
  expect(() => giouLoss(new Variable(device.zeros([12])), device.zeros([3, 4]))).toThrow('predicted: ');
});
