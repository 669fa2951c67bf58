/** Element by element: operations on maps that are stored in f16, and on maps and parameters of f32. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backward, Variable } from '../../src/autograd/variable.js';
import { activationGradient } from '../../src/ops/activated.js';
import { addBroadcast, divide, multiply, prelu, subtract } from '../../src/ops/binary.js';
import { storedAs } from '../../src/ops/storedAs.js';
import { sigmoid } from '../../src/ops/unary.js';
import { Random } from '../../src/tensor/random.js';
import type { StoredType } from '../../src/tensor/stored.js';
import { sharedDevice } from '../device.js';
import { count, mapped } from '../reference/arrays.js';
import { broadcast } from '../reference/binary.js';
import { expectClose } from '../reference/closeTo.js';
import { runs } from '../runs.js';
import { steps, stored } from './halves.js';
import { expectOperation } from './operation.js';
import { CASES } from './unaryCases.js';

const device = await sharedDevice();
const hasHalf = device.gpu.features.has('shader-f16');
const extents = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 3 });
const mixtures: StoredType[][] = [
  ['f16', 'f16'],
  ['f16', 'f32'],
  ['f32', 'f16'],
];

describe.skipIf(!hasHalf)('in f16', () => {
  it.each(CASES)('$name agrees with the oracle, forward and backward', async ({ run, value, bends = [], positive }) => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), extents, async (seed, shape) => {
        // Multiples of 2⁻⁸ in [-4, 4), not on a bend.
        const values = steps(Random.of(seed), count(shape)).map((step) => {
          const x = positive ? Math.abs(4 * step) + 2 ** -8 : 4 * step;
          return bends.includes(x) ? x + 2 ** -8 : x;
        });
        await expectOperation(device, {
          inputs: [{ shape, values }],
          types: ['f16'],
          run,
          oracle: (x) => mapped(x, value),
          // As in unary.test.ts.
          tolerance: 3e-6,
          seed,
        });
      }),
      runs(4),
    );
  });

  it.each([
    { slope: 0 },
    { slope: 0.1 },
    // f16 holds 0.7 as a little more, 0.8 as a little less.
    { slope: 0, limit: 0.7 },
    { slope: 0.1, limit: 0.8 },
  ])('the gradient of an activation, $slope to $limit, agrees with the oracle', async (activation) => {
    const { slope, limit = Number.POSITIVE_INFINITY } = activation;
    const half = (values: ArrayLike<number>) => storedAs(new Variable(device.tensor(values)), 'f16').value;
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 100, max: 300 }), async (seed, size) => {
        const random = Random.of(seed);
        const [inputs, incoming] = [steps(random, size), steps(random, size)];
        const results = inputs.map((x) => Math.min(x > 0 ? x : slope * x, limit));
        const gradient = activationGradient(half(incoming), half(results), activation);
        expect(gradient.type).toBe('f16');
        // What f16 holds as it holds the limit is at it; steps between 1/2 and 1 are of 2⁻¹¹.
        const atLimit = Math.min(limit, Math.round(2048 * limit) / 2048);
        const expected = incoming.map((g, i) => (inputs[i] >= atLimit ? 0 : inputs[i] > 0 ? g : slope * g));
        expectClose(await storedAs(new Variable(gradient), 'f32').value.read(), expected, stored(1e-6));
      }),
      runs(4),
    );
  });

  describe.each([
    { name: 'addBroadcast', run: addBroadcast, value: (a: number, b: number) => a + b },
    { name: 'subtract', run: subtract, value: (a: number, b: number) => a - b },
    { name: 'multiply', run: multiply, value: (a: number, b: number) => a * b },
    { name: 'divide', run: divide, value: (a: number, b: number) => a / b },
    { name: 'prelu', run: prelu, value: (a: number, b: number) => (a > 0 ? a : a * b) },
  ])('$name', ({ run, value }) => {
    /** Both sides keep away from 0. */
    const check = async (shapes: readonly number[][], types: readonly StoredType[], seed: number) => {
      const random = Random.of(seed);
      const inputs = shapes.map((shape) => ({
        shape,
        values: steps(random, count(shape)).map((step) => step + (step < 0 ? -1 : 1) / 2),
      }));
      await expectOperation(device, {
        inputs,
        types,
        run,
        oracle: (a, b) => broadcast(a, b, value),
        // As in binary.test.ts.
        tolerance: 1e-4,
        seed,
      });
    };

    it('agrees with the oracle, of f16 or of f32 on either side, broadcast in any dimension', async () => {
      const dimension = fc.record({
        extent: fc.integer({ min: 1, max: 4 }),
        repeated: fc.constantFrom('left', 'right', 'neither', 'neither'),
      });
      const drawn = fc.record({
        seed: fc.nat(),
        dimensions: fc.array(dimension, { maxLength: 5 }),
        missing: fc.integer({ min: 0, max: 2 }),
        types: fc.constantFrom(...mixtures),
      });
      await fc.assert(
        fc.asyncProperty(drawn, async ({ seed, dimensions, missing, types }) => {
          const shapeOf = (side: string) => dimensions.map(({ extent, repeated }) => (repeated === side ? 1 : extent));
          await check([shapeOf('left'), shapeOf('right').slice(missing)], types, seed);
        }),
        runs(4),
      );
    });

    it.each(mixtures)('sums many repeats, or none, of %s and %s', async (...types) => {
      const shapes = [
        [3, 5, 7, 9],
        [5, 1, 1],
      ];
      await check(shapes, types, 3);
      await check([...shapes].reverse(), types, 4);
      await check([shapes[0], shapes[0]], types, 5);
    });
  });

  it('the gradient of a bias of f32 exceeds what f16 holds', async () => {
    const map = storedAs(new Variable(device.zeros([300, 400])), 'f16');
    const bias = new Variable(device.zeros([1]), true);
    const output = storedAs(addBroadcast(map, bias), 'f32');
    backward({ variable: output, gradient: device.tensor(new Float32Array(120_000).fill(1), [300, 400]) });
    expect([...(await bias.gradient!.read())]).toEqual([120_000]);
  });

  it('refuses gradients of another type', () => {
    const map = storedAs(new Variable(device.zeros([8]), true), 'f16');
    const single = device.zeros([8]);
    expect(() => sigmoid(map).pullback!(single, () => null)).toThrow(/unary gradient, sigmoid: tensors of f16 and f32/);
    expect(() => multiply(map, map).pullback!(single, () => null)).toThrow(/multiply: tensors of f16 and f16 and f32/);
  });
});
