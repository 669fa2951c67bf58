import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Variable } from '../../src/autograd/variable.js';
import { addBroadcast, divide, multiply, subtract } from '../../src/ops/binary.js';
import { Random } from '../../src/tensor/random.js';
import { sharedDevice } from '../device.js';
import { count } from '../reference/arrays.js';
import { broadcast } from '../reference/binary.js';
import { runs } from '../runs.js';
import { expectOperation } from './operation.js';

const device = await sharedDevice();

describe.each([
  { name: 'addBroadcast', run: addBroadcast, value: (a: number, b: number) => a + b },
  { name: 'subtract', run: subtract, value: (a: number, b: number) => a - b },
  { name: 'multiply', run: multiply, value: (a: number, b: number) => a * b },
  { name: 'divide', run: divide, value: (a: number, b: number) => a / b },
])('$name', ({ run, value }) => {
  /** Compares with the oracle; the right values keep away from 0. */
  const check = async (left: number[], right: number[], seed: number) => {
    const random = Random.of(seed);
    const drawn = (shape: number[], sign: () => number) => ({
      shape,
      values: Float64Array.from({ length: count(shape) }, () => sign() * random.uniform(0.5, 2)),
    });
    const either = () => (random.integer(2) === 0 ? -1 : 1);
    await expectOperation(device, {
      inputs: [drawn(left, either), drawn(right, either)],
      run,
      oracle: (a, b) => broadcast(a, b, value),
      // Sums of up to a thousand values.
      tolerance: 1e-4,
      seed,
    });
  };

  it('agrees with the oracle, broadcast in any dimension', async () => {
    const dimension = fc.record({
      extent: fc.integer({ min: 1, max: 4 }),
      repeated: fc.constantFrom('left', 'right', 'neither', 'neither'),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.array(dimension, { maxLength: 6 }),
        fc.integer({ min: 0, max: 2 }),
        async (seed, dimensions, missing) => {
          const shapeOf = (side: string) => dimensions.map(({ extent, repeated }) => (repeated === side ? 1 : extent));
          await check(shapeOf('left'), shapeOf('right').slice(missing), seed);
        },
      ),
      runs(7),
    );
  });

  it('sums many repeats', async () => {
    await check([3, 5, 7, 9], [5, 1, 1], 3);
    await check([1], [9, 8, 3], 4);
  });
});

it('binary operations name shapes that do not broadcast', () => {
  const of = (shape: number[]) => new Variable(device.zeros(shape));
  expect(() => multiply(of([2, 3]), of([2]))).toThrow(
    /multiply: shapes \[2,3\] and \[2\] do not broadcast: 3 and 2 differ/,
  );
});
