import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backward, Variable } from '../../src/autograd/variable.js';
import * as ops from '../../src/ops/unary.js';
import { Random } from '../../src/tensor/random.js';
import { sharedDevice } from '../device.js';
import { mapped } from '../reference/arrays.js';
import { expectClose } from '../reference/closeTo.js';
import { runs } from '../runs.js';
import { expectOperation } from './operation.js';
import { CASES } from './unaryCases.js';

const device = await sharedDevice();

describe.each(CASES)('$name', ({ run, value, bends = [], positive }) => {
  it('agrees with the oracle, forward and backward', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 3 }), async (seed, shape) => {
        const random = Random.of(seed);
        const size = shape.reduce((product, extent) => product * extent, 1);
        const values = Float64Array.from({ length: size }, () => {
          const x = positive ? random.uniform(0.1, 6) : random.uniform(-6, 6);
          return bends.some((bend) => Math.abs(x - bend) < 1e-3) ? x + 4e-3 : x;
        });
        await expectOperation(device, {
          inputs: [{ shape, values }],
          run,
          oracle: (x) => mapped(x, value),
          // f32's exp is within 1e-6; the series of erf within 2e-7 times x.
          tolerance: 3e-6,
          seed,
        });
      }),
      runs(4),
    );
  });

  it('stays finite at extreme inputs', async () => {
    const extremes = [0, -0, 1e4, -1e4, 1e10, -1e10, 100, -100, 30, -30, 1e-20, -1e-20];
    const input = new Variable(device.tensor(extremes), true);
    const output = run(input);
    const values = await output.value.read();
    expectClose(
      values,
      extremes.map((x) => value(Math.fround(x))),
      { absolute: 1e-6, relative: 2e-5 },
    );
    backward({ variable: output, gradient: device.tensor(extremes.map(() => 1)) });
    const gradient = await input.gradient!.read();
    expect([...gradient].every(Number.isFinite), `${gradient}`).toBe(true);
  });
});

it('unary operations name what does not fit', () => {
  const x = new Variable(device.zeros([3]));
  expect(() => ops.clip(x, 2, 1)).toThrow(/min: 2; expected a number not above max, 1/);
  expect(() => ops.leakyRelu(x, Number.NaN)).toThrow(/alpha: NaN; expected a finite number/);
  expect(() => ops.hardSigmoid(x, 1, Number.NaN)).toThrow(/beta: NaN/);
});
