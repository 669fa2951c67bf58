import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkGradients } from '../../src/autograd/checkGradients.js';
import { backward, Variable } from '../../src/autograd/variable.js';
import { conv2d } from '../../src/ops/conv2d.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { Random } from '../../src/tensor/random.js';
import { bareDevice, sharedDevice } from '../device.js';
import { expectClose } from '../reference/closeTo.js';
import { conv2dGradients, conv2d as oracle } from '../reference/ops.js';
import { runs } from '../runs.js';
import { joined, levelSizes, levelsOf, noise, randomPyramid, summed } from './maps.js';

describe.each([
  { name: 'conv2d', device: await sharedDevice() },
  { name: 'conv2d without subgroups', device: await bareDevice() },
])('$name', ({ device }) => {
  const shapes = fc.record({
    batch: fc.integer({ min: 1, max: 3 }),
    // Above 28 every kernel has its variant for many inputs.
    inputs: fc.oneof(fc.integer({ min: 1, max: 11 }), fc.integer({ min: 14, max: 37 })),
    outputs: fc.integer({ min: 1, max: 18 }),
    kernel: fc.constantFrom(1, 3),
    stride: fc.constantFrom<(1 | 2)[]>(1, 2),
    biased: fc.boolean(),
    sizes: levelSizes,
    seed: fc.nat(),
  });

  it('agrees with the oracle, forward and backward', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, async ({ batch, inputs, outputs, kernel, stride, biased, sizes, seed }) => {
        const random = Random.of(seed);
        const maps = randomPyramid(device, random, batch, inputs, sizes);
        const weights = noise(random, outputs * inputs * kernel * kernel);
        const biases = biased ? noise(random, outputs) : null;
        const input = new Variable(maps, true);
        const weight = new Variable(device.tensor(weights, [outputs, inputs, kernel, kernel]), true);
        const bias = biases ? new Variable(device.tensor(biases), true) : null;

        const output = conv2d(input, weight, bias, { stride });
        const levels = await levelsOf(maps);
        const expected = levels.map((level) => oracle(level, weights, biases, { outputs, kernel, stride }));
        const products = inputs * kernel * kernel;
        // Rounding grows with the number of products; values are below 1.
        expectClose(await output.value.read(), joined(expected.map(({ values }) => values)), {
          absolute: 1e-6 * Math.sqrt(products + 1),
          relative: 1e-6,
        });
        output.value.levels.forEach(({ height, width }, level) => {
          expect([height, width]).toEqual([expected[level].height, expected[level].width]);
        });

        const incoming = device.tensor(noise(random, output.value.size));
        const incomingLevels = await levelsOf(output.value, incoming);
        backward({ variable: output, gradient: incoming });
        const gradients = levels.map((level, i) =>
          conv2dGradients(level, weights, incomingLevels[i], { outputs, kernel, stride }),
        );
        expectClose(await input.gradient!.read(), joined(gradients.map((g) => g.input)), {
          absolute: 1e-6 * Math.sqrt(outputs * kernel * kernel),
          relative: 1e-6,
        });
        const pixels = batch * output.value.locations;
        const tolerance = { absolute: 1e-6 * Math.sqrt(pixels), relative: 1e-6 };
        expectClose(await weight.gradient!.read(), summed(gradients.map((g) => g.weight)), tolerance);
        if (bias) expectClose(await bias.gradient!.read(), summed(gradients.map((g) => g.bias)), tolerance);
      }),
      runs(9),
    );
  });

  it.each([1, 2] as const)('has the gradients of its central differences, stride %d', async (stride) => {
    const random = Random.of(7, stride);
    const sizes = [
      { height: 7, width: 9 },
      { height: 2, width: 1 },
    ];
    const maps = randomPyramid(device, random, 2, 5, sizes);
    const weight = device.tensor(noise(random, 6 * 5 * 9), [6, 5, 3, 3]);
    const bias = device.tensor(noise(random, 6));
    const check = await checkGradients(
      (input, w, b) => conv2d(input as Variable<Pyramid>, w, b, { stride }),
      [maps, weight, bias],
      // The function is linear in each input: a large step costs nothing and drowns rounding.
      { step: 0.5 },
    );
    expect(check.relative).toBeLessThan(1e-4);
  });

  it('gives the same bits twice', async () => {
    const random = Random.of(3);
    const maps = randomPyramid(device, random, 2, 8, [{ height: 33, width: 29 }]);
    const weights = device.tensor(noise(random, 8 * 8 * 9), [8, 8, 3, 3]);
    const run = async () => {
      const weight = new Variable(weights, true);
      const output = conv2d(new Variable(maps), weight, null);
      backward({ variable: output, gradient: device.tensor(noise(Random.of(4), output.value.size)) });
      return weight.gradient!.read();
    };
    expect(await run()).toEqual(await run());
  });

  it('names what does not fit', () => {
    const maps = new Variable(Pyramid.empty(device, 1, 3, [{ height: 4, width: 4 }]));
    const weight = (...shape: number[]) => new Variable(device.zeros(shape));
    expect(() => conv2d(maps, weight(4, 3, 5, 5), null)).toThrow(/weight: shape \[4,3,5,5\]; expected .* k 1 or 3/);
    expect(() => conv2d(maps, weight(4, 2, 3, 3), null)).toThrow(/takes 2 channels; the input has 3/);
    expect(() => conv2d(maps, weight(4, 3, 3, 3), weight(3))).toThrow(/bias: 3 elements.* 4 outputs/);
  });
});
