import fc from 'fast-check';
import { expect, test } from 'vitest';
import { floatsOfHalves, halvesOfFloats } from '../../src/util/half.js';

const ALL = Uint16Array.from({ length: 0x10000 }, (_, bits) => bits);
const isNaNBits = (bits: number) => (bits & 0x7fff) > 0x7c00;

test('every half float comes back from its value', () => {
  const back = halvesOfFloats(floatsOfHalves(ALL));
  expect([...ALL.filter((bits) => (isNaNBits(bits) ? !isNaNBits(back[bits]) : back[bits] !== bits))]).toEqual([]);
});

test('values of halves are those of the standard', () => {
  const bits = [0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x3555, 0x7c00, 0xfc00];
  const values = [1, -2, 65504, 2 ** -14, 2 ** -24, 0.333251953125, Infinity, -Infinity];
  expect([...floatsOfHalves(Uint16Array.from(bits))]).toEqual(values);
  expect([...halvesOfFloats(Float32Array.of(65520, 65519.99, 2049, 2051, 2 ** -25, 1.5 * 2 ** -25))]).toEqual([
    0x7c00, 0x7bff, 0x6800, 0x6802, 0, 1,
  ]);
});

test('a value becomes the nearest half, of two equally near ones the even one', () => {
  const sorted = floatsOfHalves(ALL.subarray(0, 0x7c00));
  fc.assert(
    fc.property(fc.float({ noNaN: true, min: 0, max: 65504 }), (value) => {
      const [bits] = halvesOfFloats(Float32Array.of(value));
      const error = (other: number) => Math.abs(sorted[other] - value);
      for (const other of [bits - 1, bits + 1]) {
        if (!(other in sorted)) continue;
        expect(error(bits)).toBeLessThanOrEqual(error(other));
        if (error(bits) === error(other)) expect(bits % 2).toBe(0);
      }
    }),
  );
});
