import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { Random } from '../../src/tensor/random.js';
import { packedWords, packHalves, unpackHalves } from '../../src/train/halves.js';
import { sharedDevice } from '../device.js';
import { runs } from '../runs.js';

const device = await sharedDevice();

function pyramidOf(values: ArrayLike<number>, batch: number, channels: number, sizes: Pyramid['levels'] | Size[]) {
  const pyramid = Pyramid.empty(device, batch, channels, sizes);
  pyramid.write(values);
  return pyramid;
}
interface Size {
  height: number;
  width: number;
}

async function through(pyramids: Pyramid[]): Promise<{ words: Uint32Array; values: Float32Array[] }> {
  const words = packHalves(pyramids);
  const back = unpackHalves(
    words,
    pyramids.map(({ batch, channels, levels }) => ({ batch, channels, sizes: levels })),
  );
  const read = await Promise.all([words.read(), ...back.map((pyramid) => pyramid.read())]);
  for (const tensor of [words, ...back, ...pyramids]) tensor.dispose();
  const [first, ...rest] = read;
  return { words: first as Uint32Array, values: rest as Float32Array[] };
}

test('halves are kept, others are rounded to 11 bits, and what is too large becomes the largest', async () => {
  const exact = [0, 1, -1, 0.5, 1.5, -2.75, 1024, 65504, -65504, 2 ** -14, 3.140625];
  const beyond = [65519, 65520, 1e6, -1e30, 3e38];
  const kept = await through([pyramidOf([...exact, ...beyond], 1, 16, [{ height: 1, width: 1 }])]);
  expect([...kept.values[0]]).toEqual([...exact, 65504, 65504, 65504, -65504, 65504]);
  // 1 = 0x3c00 in the upper half of the first word: the first of a pair is the lower one.
  expect(kept.words[0]).toBe(0x3c00_0000);
});

test('NaN and infinities stay what they are', async () => {
  const values = [1, Number.NaN, Infinity, -Infinity, -Number.NaN, 65504, -1e9];
  const kept = await through([pyramidOf(values, 1, 7, [{ height: 1, width: 1 }])]);
  expect([...kept.values[0]]).toEqual([1, Number.NaN, Infinity, -Infinity, Number.NaN, 65504, -65504]);
  const halves = new Uint16Array(kept.words.buffer, kept.words.byteOffset, 8);
  expect([...halves].map((half) => half & 0x7fff)).toEqual([0x3c00, 0x7e00, 0x7c00, 0x7c00, 0x7e00, 0x7bff, 0x7bff, 0]);
});

test('pyramids of any shape come back, one behind the other, and nothing else is in the words', async () => {
  const shape = fc.record({
    batch: fc.integer({ min: 1, max: 3 }),
    channels: fc.integer({ min: 1, max: 7 }),
    sizes: fc.array(fc.record({ height: fc.integer({ min: 1, max: 5 }), width: fc.integer({ min: 1, max: 5 }) }), {
      minLength: 1,
      maxLength: 3,
    }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(shape, { minLength: 1, maxLength: 2 }), fc.integer(), async (shapes, seed) => {
      const random = Random.of(seed >>> 0);
      const given = shapes.map(({ batch, channels, sizes }) => {
        const elements = batch * channels * sizes.reduce((sum, { height, width }) => sum + height * width, 0);
        // Padded so that what lies behind the last value is not zero by chance.
        const padded = pyramidOf(new Float32Array(elements + 4).fill(7), 1, elements + 4, [{ height: 1, width: 1 }]);
        padded.dispose();
        const values = Float32Array.from({ length: elements }, () => 20 * random.normal());
        return { values, pyramid: pyramidOf(values, batch, channels, sizes) };
      });
      const { words, values } = await through(given.map(({ pyramid }) => pyramid));
      expect(words).toHaveLength(packedWords(shapes));
      for (const [i, { values: expected }] of given.entries()) {
        expect(values[i]).toHaveLength(expected.length);
        // Half a unit in the last of 11 bits; below 2^-14 halves are evenly spaced by 2^-24 (or flushed to 0).
        values[i].forEach((value, at) => {
          expect(Math.abs(value - expected[at])).toBeLessThanOrEqual(
            Math.max(2 ** -11 * Math.abs(expected[at]), 2 ** -14),
          );
        });
        if (given.length === 1) {
          const halves = new Uint16Array(words.buffer, words.byteOffset, 2 * words.length);
          expect(halves.subarray(expected.length).every((half) => half === 0)).toBe(true);
        }
      }
    }),
    runs(9),
  );
});
