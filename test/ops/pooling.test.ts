import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backward, Variable } from '../../src/autograd/variable.js';
import { averagePool2d, maxPool2d, reduceMean } from '../../src/ops/pooling.js';
import { Random } from '../../src/tensor/random.js';
import { sharedDevice } from '../device.js';
import * as oracle from '../reference/pooling.js';
import { runs } from '../runs.js';
import { expectOperation } from './operation.js';

const device = await sharedDevice();
const small = (min: number, max: number) => fc.integer({ min, max });
const pair = (min: number, max: number) => fc.tuple(small(min, max), small(min, max));

/** Windows that fit maps of 5×5. */
const windows = fc
  .record({
    kernel: pair(1, 5),
    strides: pair(1, 3),
    pads: fc.tuple(small(0, 4), small(0, 4), small(0, 4), small(0, 4)),
  })
  .map(({ kernel, strides, pads }) => ({
    kernel,
    strides,
    pads: pads.map((cells, i) => Math.min(cells, kernel[i % 2] - 1)),
  }));
describe('pooling', () => {
  it('maxPool2d agrees with the oracle', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), pair(5, 9), windows, async (seed, size, options) => {
        await expectOperation(device, {
          inputs: [[2, 2, ...size]],
          run: (x) => maxPool2d(x, options),
          oracle: (x) => oracle.maxPool(x, options),
          tolerance: 1e-5,
          seed,
          step: 1e-7,
        });
      }),
      runs(14),
    );
  });

  it('the first of equal values has the gradient', async () => {
    const x = new Variable(device.tensor([1, 3, 3, 2, 3, 0], [1, 1, 2, 3]), true);
    const output = maxPool2d(x, { kernel: [2, 2], strides: [1, 1], pads: [0, 0, 0, 0] });
    expect([...(await output.value.read())]).toEqual([3, 3]);
    backward({ variable: output, gradient: device.tensor([1, 10]) });
    expect([...(await x.gradient!.read())]).toEqual([0, 11, 0, 0, 0, 0]);
  });

  it('averagePool2d agrees with the oracle', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), pair(5, 9), windows, fc.boolean(), async (seed, size, rest, countIncludePad) => {
        const options = { ...rest, countIncludePad };
        await expectOperation(device, {
          inputs: [[2, 2, ...size]],
          run: (x) => averagePool2d(x, options),
          oracle: (x) => oracle.averagePool(x, options),
          tolerance: 1e-5,
          seed,
          step: 0.5,
        });
      }),
      runs(14),
    );
  });

  it('reduceMean agrees with the oracle', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.array(small(1, 5), { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        async (seed, shape, keep) => {
          const random = Random.of(seed);
          const axes = shape.map((_, axis) => axis).filter(() => random.integer(2) === 0);
          await expectOperation(device, {
            inputs: [shape],
            run: (x) =>
              reduceMean(
                x,
                axes.map((axis) => axis - (seed % 2) * shape.length),
                keep,
              ),
            oracle: (x) => oracle.mean(x, axes, keep),
            tolerance: 1e-5,
            seed,
            step: 0.5,
          });
        },
      ),
      runs(14),
    );
  });

  it('names what does not fit', () => {
    const x = new Variable(device.zeros([1, 2, 3, 3]));
    const options = { kernel: [2, 2], strides: [1, 1], pads: [0, 0, 0, 0] };
    expect(() => maxPool2d(new Variable(device.zeros([3, 3])), options)).toThrow(/x: shape \[3,3\]; expected \[batch/);
    expect(() => maxPool2d(x, { ...options, kernel: [0, 1] })).toThrow(/kernel: \[0,1\]; expected 2 integers/);
    expect(() => maxPool2d(x, { ...options, pads: [2, 0, 0, 0] })).toThrow(/pads: \[2,0,0,0\] hold a whole window/);
    expect(() => maxPool2d(x, { ...options, kernel: [4, 4] })).toThrow(/maps of 3×3.* smaller than windows/);
    expect(() => reduceMean(x, [4], true)).toThrow(/axes\[0\]: 4; expected an axis of 4/);
  });
});
