import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backward, Variable } from '../../src/autograd/variable.js';
import { conv2dLevels } from '../../src/ops/conv2dLevels.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { Random } from '../../src/tensor/random.js';
import { sharedDevice } from '../device.js';
import { expectClose } from '../reference/closeTo.js';
import { conv2dGradients, conv2d as oracle } from '../reference/ops.js';
import { runs } from '../runs.js';
import { joined, levelSizes, levelsOf, noise, randomPyramid } from './maps.js';

const device = await sharedDevice();

const shapes = fc.record({
  batch: fc.integer({ min: 1, max: 3 }),
  inputs: fc.integer({ min: 1, max: 11 }),
  outputs: fc.integer({ min: 1, max: 18 }),
  biased: fc.boolean(),
  learns: fc.boolean(),
  sizes: levelSizes,
  seed: fc.nat(),
});

test('each level by its own weight as the oracle’s convolution, forward and backward', () =>
  fc.assert(
    fc.asyncProperty(shapes, async ({ batch, inputs, outputs, biased, learns, sizes, seed }) => {
      const random = Random.of(seed);
      const maps = randomPyramid(device, random, batch, inputs, sizes);
      const weights = sizes.map(() => noise(random, outputs * inputs));
      const biases = biased ? sizes.map(() => noise(random, outputs)) : null;
      const input = new Variable(maps, true);
      const own = weights.map((values) => new Variable(device.tensor(values, [outputs, inputs, 1, 1]), learns));
      const ownBiases = biases?.map((values) => new Variable(device.tensor(values), learns)) ?? null;
      const output = conv2dLevels(input, own, ownBiases);
      const options = { outputs, kernel: 1, stride: 1 };
      const levels = await levelsOf(maps);
      const expected = levels.map((level, i) => oracle(level, weights[i], biases?.[i] ?? null, options));
      const tolerance = { absolute: 1e-5, relative: 1e-5 };
      expectClose(await output.value.read(), joined(expected.map(({ values }) => values)), tolerance);

      const incoming = device.tensor(noise(random, output.value.size));
      const incomingLevels = await levelsOf(output.value, incoming);
      backward({ variable: output, gradient: incoming });
      const gradients = levels.map((level, i) => conv2dGradients(level, weights[i], incomingLevels[i], options));
      expectClose(await input.gradient!.read(), joined(gradients.map((g) => g.input)), tolerance, 'input');
      for (const [i, { weight, bias }] of gradients.entries()) {
        if (!learns) {
          expect(own[i].gradient).toBeNull();
          continue;
        }
        const sums = { absolute: 1e-5 * Math.sqrt(level(i).size), relative: 1e-5 };
        expectClose(await own[i].gradient!.read(), weight, sums, `weight ${i}`);
        if (ownBiases) expectClose(await ownBiases[i].gradient!.read(), bias, sums, `bias ${i}`);
      }
      function level(i: number) {
        return { size: batch * sizes[i].height * sizes[i].width };
      }
    }),
    runs(9),
  ));

test('gives its memory back', () => {
  const random = Random.of(1);
  const sizes = [
    { height: 5, width: 7 },
    { height: 2, width: 4 },
  ];
  const leaf = randomPyramid(device, random, 2, 3, sizes);
  const weights = sizes.map(() => new Variable(device.tensor(noise(random, 12), [4, 3, 1, 1]), true));
  const incoming = device.tensor(noise(random, 2 * 4 * 43));
  const used = device.pool.usedBytes;
  const input = new Variable(leaf, true);
  backward({ variable: conv2dLevels(input, weights, null), gradient: incoming });
  for (const { gradient } of [input, ...weights]) gradient!.dispose();
  expect(device.pool.usedBytes).toBe(used);
  const frozen = weights.map(({ value }) => new Variable(value));
  conv2dLevels(new Variable(leaf), frozen, null).value.dispose();
  expect(device.pool.usedBytes).toBe(used);
});

test('names what does not fit', () => {
  const input = new Variable(Pyramid.empty(device, 1, 3, [{ height: 2, width: 2 }]));
  const weight = (...shape: number[]) => new Variable(device.zeros(shape));
  expect(() => conv2dLevels(input, [], null)).toThrow(/0 weights for 1 levels; give one a level/);
  expect(() => conv2dLevels(input, [weight(4, 3, 1, 1)], [])).toThrow(/1 weights and 0 biases for 1 levels/);
  expect(() => conv2dLevels(input, [weight(4, 2, 1, 1)], null)).toThrow(
    /shape \[4,2,1,1\]; expected \[outputs, 3, 1, 1\]/,
  );
  expect(() => conv2dLevels(input, [weight(4, 3, 1, 1)], [weight(3)])).toThrow(/a bias of 3 elements; expected 4/);
});
