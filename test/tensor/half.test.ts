import fc from 'fast-check';
import { expect, test } from 'vitest';
import { halfTensor } from '../../src/tensor/half.js';
import { sharedDevice } from '../device.js';
import { runs } from '../runs.js';

const device = await sharedDevice();

/** The value of a finite binary16: (−1)^s · 2^(e − 15) · (1 + m/1024), and 2^−14 · m/1024 where e is 0. */
function decoded(bits: number): number {
  const [sign, exponent, mantissa] = [bits >> 15, (bits >> 10) & 31, bits & 1023];
  const size = exponent === 0 ? 2 ** -14 * (mantissa / 1024) : 2 ** (exponent - 15) * (1 + mantissa / 1024);
  return sign ? -size : size;
}

test('halves of any count become their f32 values', async () => {
  // Normal numbers and zeros: a GPU may flush subnormal ones.
  const halves = fc.integer({ min: 0, max: 0xffff }).map((bits) => {
    const exponent = (bits >> 10) & 31;
    return exponent === 0 ? bits & 0x8000 : exponent === 31 ? bits & ~0x4000 : bits;
  });
  await fc.assert(
    fc.asyncProperty(fc.array(halves, { maxLength: 50 }), async (bits) => {
      const tensor = halfTensor(device, Uint16Array.from(bits), [bits.length]);
      expect(Array.from(await tensor.read(), (x) => x + 0)).toEqual(bits.map((half) => decoded(half) + 0));
      tensor.dispose();
    }),
    runs(10),
  );
});

test('a wrong count is named', () => {
  expect(() => halfTensor(device, new Uint16Array(5), [2, 3])).toThrow(/halves: 5 values.*\[2,3\] \(6\)/);
});
