import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkRecord, type Part } from '../../src/train/cacheRecord.js';
import { areFinite, findHalf, packedWords } from '../../src/train/halves.js';
import { InputError } from '../../src/util/error.js';

const SIZES = [
  { height: 2, width: 3 },
  { height: 1, width: 2 },
];
const PART: Part = {
  name: 'logits',
  // 2 · 3 · 8 = 48 halves, then 2 · 5 · 8 = 80: both in whole groups of four.
  shapes: [
    { batch: 2, channels: 3, sizes: SIZES },
    { batch: 2, channels: 5, sizes: SIZES },
  ],
  contents: ['class logits', 'box logits'],
};
const STRIDES = { strides: [8, 16] };

function record(at: number, half: number): Uint32Array {
  const words = new Uint32Array(packedWords(PART.shapes)).fill(0x3c00_7bfe); // 1 and the largest half but one
  new Uint16Array(words.buffer)[at] = half;
  return words;
}

test.each([
  // Second image, third channel, second row, last column of the finest level.
  [2 * 0 + 5 * 6 + 5, 'class logits of image 90, stride 8, row 1, column 2'],
  // Behind the 36 of the finest level.
  [36 + 1, 'class logits of image 70, stride 16, row 0, column 1'],
  [48, 'box logits of image 70, stride 8, row 0, column 0'],
  [48 + 60 + 2 * 9, 'box logits of image 90, stride 16, row 0, column 0'],
])('what is not finite is refused with image and place: half %i', (at, place) => {
  for (const half of [0x7c00, 0xfc00, 0x7e00, 0xfe01]) {
    const check = () => checkRecord(record(at, half), PART, STRIDES, [70, 90]);
    expect(check).toThrow(InputError);
    expect(check).toThrow(`the teacher's ${place}, are NaN or infinite`);
  }
});

test('the largest half is told, others are not', () => {
  expect(checkRecord(record(50, 0xfbff), PART, STRIDES, [7, 8])).toBe(
    "the teacher's box logits of image 7, stride 8, row 0, column 2, reach ±65504, the largest half float; what exceeds it is kept as that.",
  );
  expect(checkRecord(record(50, 0x7bfe), PART, STRIDES, [7, 8])).toBe(null);
});

test('NaN and infinities are seen in either half of a word, the largest finite values are none', () => {
  for (const at of [0, 49, 127]) {
    for (const half of [0x7c00, 0xfc00, 0x7e00, 0xfe01, 0x7fff]) expect(areFinite(record(at, half))).toBe(false);
    for (const half of [0, 0x8000, 0x0001, 0x03ff, 0x7bff, 0xfbff]) expect(areFinite(record(at, half))).toBe(true);
  }
});

test('the place of a half is that of its pyramid, for any shapes', () => {
  const size = fc.record({ height: fc.integer({ min: 1, max: 4 }), width: fc.integer({ min: 1, max: 4 }) });
  const shape = fc.record({
    batch: fc.integer({ min: 1, max: 3 }),
    channels: fc.integer({ min: 1, max: 3 }),
    sizes: fc.array(size, { minLength: 1, maxLength: 3 }),
  });
  fc.assert(
    fc.property(fc.array(shape, { minLength: 1, maxLength: 3 }), fc.nat(), (shapes, drawn) => {
      const places = shapes.flatMap(({ batch, channels, sizes }, pyramid) => {
        const own = sizes.flatMap(({ height, width }, level) =>
          Array.from({ length: batch * channels * height * width }, (_, i) => ({
            pyramid,
            image: Math.floor(i / (channels * height * width)),
            level,
            channel: Math.floor(i / (height * width)) % channels,
            row: Math.floor((i % (height * width)) / width),
            column: i % width,
          })),
        );
        // A pyramid begins on an even word.
        return [...own, ...new Array<null>((4 - (own.length % 4)) % 4).fill(null)];
      });
      const at = drawn % places.length;
      const words = new Uint32Array(packedWords(shapes));
      expect(2 * words.length).toBe(places.length);
      if (places[at] === null) return;
      new Uint16Array(words.buffer)[at] = 0x7e00;
      expect(findHalf(words, shapes, { from: 0x7c00, to: 0x7fff })).toEqual(places[at]);
    }),
  );
});
