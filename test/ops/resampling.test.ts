import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backward, Variable } from '../../src/autograd/variable.js';
import { maxPool } from '../../src/ops/maxPool.js';
import { upsampleNearest } from '../../src/ops/upsampleNearest.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { Random } from '../../src/tensor/random.js';
import { sharedDevice } from '../device.js';
import { expectClose } from '../reference/closeTo.js';
import * as oracle from '../reference/ops.js';
import { runs } from '../runs.js';
import { levelsOf, noise, randomPyramid } from './maps.js';

const device = await sharedDevice();

/** Sums of a few values below 1. */
const TOLERANCE = { absolute: 1e-5 };

const side = fc.integer({ min: 1, max: 23 });

describe('upsampleNearest', () => {
  const growth = fc.integer({ min: 0, max: 30 });

  it('agrees with the oracle, forward and backward', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), side, side, growth, growth, async (seed, height, width, more, wider) => {
        const [toHeight, toWidth] = [height + more, width + wider];
        const random = Random.of(seed);
        const maps = randomPyramid(device, random, 2, 3, [{ height, width }]);
        const input = new Variable(maps, true);
        const output = upsampleNearest(input, { height: toHeight, width: toWidth });
        const [level] = await levelsOf(maps);
        expect(Array.from(await output.value.read())).toEqual(
          Array.from(oracle.upsampleNearest(level, toHeight, toWidth).values),
        );
        const incoming = device.tensor(noise(random, output.value.size));
        const [incomingLevel] = await levelsOf(output.value, incoming);
        backward({ variable: output, gradient: incoming });
        expectClose(
          await input.gradient!.read(),
          oracle.upsampleNearestGradient(level, incomingLevel),
          // An element may have hundreds of copies.
          { absolute: 1e-5, relative: 1e-5 },
        );
      }),
      runs(14),
    );
  });

  it('names what does not fit', () => {
    const size = { height: 2, width: 2 };
    const two = new Variable(Pyramid.empty(device, 1, 1, [size, size]));
    expect(() => upsampleNearest(two, size)).toThrow(/upsampleNearest: 2 levels.*give one map/);
    const one = new Variable(Pyramid.empty(device, 1, 1, [size]));
    expect(() => upsampleNearest(one, { height: 1, width: 4 })).toThrow(
      /the first of 2×2, to 1×4; .* at least as large/,
    );
  });
});

describe('maxPool', () => {
  it('agrees with the oracle, forward and backward, ties too', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), side, side, fc.boolean(), async (seed, height, width, ties) => {
        const random = Random.of(seed);
        const maps = randomPyramid(device, random, 2, 3, [{ height, width }]);
        if (ties) maps.write(Array.from({ length: maps.size }, () => random.integer(3) - 1));
        const input = new Variable(maps, true);
        const output = maxPool(input);
        const [level] = await levelsOf(maps);
        expect(Array.from(await output.value.read())).toEqual(Array.from(oracle.maxPool(level).values));
        const incoming = device.tensor(noise(random, output.value.size));
        const [incomingLevel] = await levelsOf(output.value, incoming);
        backward({ variable: output, gradient: incoming });
        expectClose(await input.gradient!.read(), oracle.maxPoolGradient(level, incomingLevel), TOLERANCE);
      }),
      runs(14),
    );
  });
});
