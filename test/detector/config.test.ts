import fc from 'fast-check';
import { expect, test } from 'vitest';
import { detectorConfig } from '../../src/detector/config.js';
import { flops } from '../../src/detector/detector.js';
import { InputError } from '../../src/util/error.js';

const GIVEN = { size: 'tiny', classes: 3, width: 320, height: 256 } as const;

test('the defaults are 17 bins and strides 8, 16, 32; a whole configuration passes unchanged', () => {
  const config = detectorConfig(GIVEN);
  expect(config).toEqual({ ...GIVEN, bins: 17, strides: [8, 16, 32] });
  expect(detectorConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
});

test('strides are consecutive powers of two from 4 or 8 on, and the image a multiple of the largest', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(4, 8),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 4 }),
      (first, count, n) => {
        const strides = Array.from({ length: count }, (_, level) => first * 2 ** level);
        const extent = n * strides[count - 1];
        const given = { ...GIVEN, strides, width: extent, height: extent };
        expect(detectorConfig(given).strides).toEqual(strides);
        expect(() => detectorConfig({ ...given, width: extent + 1 })).toThrow(InputError);
      },
    ),
  );
});

test.each([
  [{ size: 'huge' }, /size: "huge"; expected one of tiny, small, base/],
  [{ classes: 0 }, /classes: 0; expected an integer from 1 to 65536/],
  [{ classes: 65_537 }, /classes: 65537/],
  [{ width: 16_416 }, /width: 16416; expected at most 16384 pixels/],
  [{ bins: 1 }, /bins: 1; expected an integer from 2 to 64/],
  [{ bins: 65 }, /bins: 65/],
  [{ strides: [] }, /strides: \[\]/],
  [{ strides: [16, 32] }, /strides: \[16,32\]; expected .* from 4 or 8 on/],
  [{ strides: [8, 32] }, /strides: \[8,32\]; expected .* consecutive powers of two/],
  [{ width: 300 }, /width: 300; expected a multiple of the largest stride, 32; 320 would do/],
  [{ height: 0 }, /height: 0; expected a multiple/],
  [{ height: 256.5 }, /height: 256.5/],
  [{ size: ['tiny'] }, /size: \["tiny"\]/],
  [{ classes: '3' }, /classes: "3"/],
  [{ strides: 8 }, /strides: 8; expected 1 to 8/],
])('%o is refused', (wrong, message) => {
  const given = { ...GIVEN, ...wrong } as Parameters<typeof detectorConfig>[0];
  expect(() => detectorConfig(given)).toThrow(InputError);
  expect(() => detectorConfig(given)).toThrow(message);
});

test('values that run recursive functions out of stack are refused as others are', () => {
  const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);
  for (const field of ['size', 'classes', 'bins', 'strides', 'width', 'height']) {
    expect(() => detectorConfig({ ...GIVEN, [field]: deep })).toThrow(`${field}: [[[…]]]; expected`);
  }
});

test('the cost of an image of 320×256, in operations', () => {
  const cost = (size: 'tiny' | 'small' | 'base') => flops(detectorConfig({ ...GIVEN, size }));
  // Counted by hand from the table of widths, the strides and 2·inputs·outputs·kernel² operations a location.
  expect(cost('tiny')).toBe(101_971_200);
  expect(cost('small')).toBe(318_438_400);
  expect(cost('base')).toBe(1018_206_720);
});

test('the cost grows with the area, and a coarse level more adds little', () => {
  const image = { ...GIVEN, width: 256, height: 256 };
  const small = flops(detectorConfig(image));
  expect(flops(detectorConfig({ ...image, width: 512, height: 512 }))).toBe(4 * small);
  const more = flops(detectorConfig({ ...image, strides: [8, 16, 32, 64, 128] }));
  expect(more / small).toBeGreaterThan(1);
  expect(more / small).toBeLessThan(1.03);
});
