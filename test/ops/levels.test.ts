import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backward, Variable } from '../../src/autograd/variable.js';
import { add } from '../../src/ops/add.js';
import { scaleLevels } from '../../src/ops/scaleLevels.js';
import { stackLevels } from '../../src/ops/stackLevels.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { Random } from '../../src/tensor/random.js';
import { sharedDevice } from '../device.js';
import { expectClose } from '../reference/closeTo.js';
import { runs } from '../runs.js';
import { joined, levelSizes, levelsOf, noise, randomPyramid } from './maps.js';

const device = await sharedDevice();

describe('scaleLevels', () => {
  it('multiplies each level by its scale, forward and backward', async () => {
    const sizes = fc.oneof(levelSizes, fc.constant([{ height: 70, width: 90 }]));
    await fc.assert(
      fc.asyncProperty(fc.nat(), sizes, async (seed, levels) => {
        const random = Random.of(seed);
        const maps = randomPyramid(device, random, 2, 3, levels);
        const factors = noise(random, levels.length);
        const input = new Variable(maps, true);
        const scales = new Variable(device.tensor(factors), true);
        const output = scaleLevels(input, scales);
        const parts = (await levelsOf(maps)).map(({ values }) => Array.from(values));
        const scaled = (lists: number[][]) => joined(lists.map((list, level) => list.map((x) => factors[level] * x)));
        expectClose(await output.value.read(), scaled(parts), { relative: 1e-7 });
        const incoming = device.tensor(noise(random, maps.size));
        const gradients = (await levelsOf(maps, incoming)).map(({ values }) => Array.from(values));
        backward({ variable: output, gradient: incoming });
        expectClose(await input.gradient!.read(), scaled(gradients), { relative: 1e-7 });
        const expected = parts.map((list, level) => list.reduce((sum, x, i) => sum + x * gradients[level][i], 0));
        expectClose(await scales.gradient!.read(), expected, { absolute: 1e-6 * Math.sqrt(maps.size) });
      }),
      runs(9),
    );
  });

  it('names what does not fit', () => {
    const maps = new Variable(Pyramid.empty(device, 1, 1, [{ height: 2, width: 2 }]));
    const scales = new Variable(device.zeros([3]));
    expect(() => scaleLevels(maps, scales)).toThrow(/scaleLevels: 3 scales for 1 levels; give one a level/);
  });
});

describe('stackLevels', () => {
  it('joins levels in order and takes gradients apart', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.array(levelSizes, { minLength: 1, maxLength: 2 }), async (seed, lists) => {
        const random = Random.of(seed);
        const maps = lists.map((sizes) => randomPyramid(device, random, 2, 3, sizes));
        const inputs = maps.map((map, index) => new Variable(map, index === 0));
        const output = stackLevels(inputs);
        const size = ({ height, width }: { height: number; width: number }) => [height, width];
        expect(output.value.levels.map(size)).toEqual(lists.flat().map(size));
        const values = await Promise.all(maps.map((map) => map.read()));
        expect(Array.from(await output.value.read())).toEqual(values.flatMap((part) => Array.from(part)));
        const incoming = noise(random, output.value.size);
        backward({ variable: output, gradient: device.tensor(incoming) });
        expect(await inputs[0].gradient!.read()).toEqual(incoming.slice(0, maps[0].size));
        expect(inputs[1]?.gradient ?? null).toBeNull();
      }),
      runs(7),
    );
  });

  it('names what does not fit', () => {
    const map = (batch: number, channels: number) =>
      new Variable(Pyramid.empty(device, batch, channels, [{ height: 2, width: 2 }]));
    expect(() => stackLevels([])).toThrow(/stackLevels: give at least one map/);
    expect(() => stackLevels([map(2, 3), map(2, 4)])).toThrow(/2 images × 3 channels and of 2 × 4/);
  });
});

describe('add', () => {
  it('adds, and passes the gradient to both', async () => {
    const random = Random.of(9);
    const sizes = [{ height: 3, width: 5 }];
    const left = new Variable(randomPyramid(device, random, 1, 3, sizes), true);
    const right = new Variable(randomPyramid(device, random, 1, 3, sizes), true);
    const [a, b] = [await left.value.read(), await right.value.read()];
    const output = add(left, right);
    expectClose(
      await output.value.read(),
      Array.from(a, (x, i) => x + b[i]),
      { absolute: 1e-6 },
    );
    const incoming = noise(random, a.length);
    backward({ variable: output, gradient: device.tensor(incoming) });
    expect(await left.gradient!.read()).toEqual(incoming);
    expect(await right.gradient!.read()).toEqual(incoming);
  });

  it('adds a map to itself', async () => {
    const map = new Variable(randomPyramid(device, Random.of(1), 1, 1, [{ height: 2, width: 3 }]), true);
    const output = add(map, map);
    backward({ variable: output, gradient: device.tensor([1, 2, 3, 4, 5, 6]) });
    expect(Array.from(await map.gradient!.read())).toEqual([2, 4, 6, 8, 10, 12]);
  });
});
