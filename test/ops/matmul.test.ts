import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backward, Variable } from '../../src/autograd/variable.js';
import { matMul, softmaxAxis } from '../../src/ops/matmul.js';
import { sharedDevice } from '../device.js';
import { expectClose } from '../reference/closeTo.js';
import * as oracle from '../reference/matmul.js';
import { runs } from '../runs.js';
import { expectOperation } from './operation.js';

const device = await sharedDevice();
const of = (shape: number[]) => new Variable(device.zeros(shape));
const small = (min: number, max: number) => fc.integer({ min, max });

describe('matMul', () => {
  it('agrees with the oracle, broadcast in front', async () => {
    const dimension = fc.record({ extent: small(1, 3), repeated: fc.constantFrom('a', 'b', 'neither') });
    const sizes = fc.record({ rows: small(1, 20), inner: small(1, 20), columns: small(1, 20) });
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.array(dimension, { maxLength: 3 }),
        small(0, 2),
        sizes,
        async (seed, dimensions, missing, { rows, inner, columns }) => {
          const front = (side: string) => dimensions.map(({ extent, repeated }) => (repeated === side ? 1 : extent));
          await expectOperation(device, {
            inputs: [
              [...front('a'), rows, inner],
              [...front('b').slice(missing), inner, columns],
            ],
            run: matMul,
            oracle: oracle.matMul,
            // Sums of some hundred products of values below 1.
            tolerance: 3e-5,
            seed,
            step: 0.5,
          });
        },
      ),
      runs(7),
    );
  });

  it('names what does not fit', () => {
    expect(() => matMul(of([3]), of([3, 2]))).toThrow(/a: shape \[3\]; expected at least two dimensions/);
    expect(() => matMul(of([2, 3]), of([2, 3]))).toThrow(/matMul: shapes \[2,3\] and \[2,3\]; the rows of b/);
    expect(() => matMul(of([2, 2, 3]), of([3, 3, 2]))).toThrow(/matMul: shapes \[2\] and \[3\] do not broadcast/);
  });
});

describe('softmaxAxis', () => {
  it('agrees with the oracle along any axis', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.array(small(1, 6), { minLength: 1, maxLength: 4 }), async (seed, shape) => {
        const axis = seed % shape.length;
        await expectOperation(device, {
          inputs: [shape],
          run: (x) => softmaxAxis(x, axis - (seed % 2) * shape.length),
          oracle: (x) => oracle.softmax(x, axis),
          tolerance: 2e-6,
          seed,
        });
      }),
      runs(10),
    );
  });

  it('stays finite at extreme inputs', async () => {
    const x = new Variable(device.tensor([-1e4, 1e4, 0, 1e4, 1e4, -1e4], [2, 3]), true);
    const output = softmaxAxis(x, 1);
    expect([...(await output.value.read())]).toEqual([0, 1, 0, 0.5, 0.5, 0]);
    backward({ variable: output, gradient: device.tensor([1, 2, 3, 1, 2, 3], [2, 3]) });
    expectClose(await x.gradient!.read(), [0, 0, 0, -0.25, 0.25, 0], { absolute: 1e-6 });
  });

  it('names an axis that is not there', () => {
    expect(() => softmaxAxis(of([2]), 1)).toThrow(/axis: 1; expected an axis of 1 dimensions/);
  });
});
