import { expect, test } from 'vitest';
import { fuzzAnnotations } from './annotations.js';

test('mutated annotations and detections are read or refused in one line, and no figure is NaN', async () => {
  // `npm run fuzz` goes on from here.
  const { read, refused, faults } = await fuzzAnnotations(0, 200);
  expect(faults).toEqual([]);
  expect(read + refused).toBe(200);
  expect(Math.min(read, refused)).toBeGreaterThan(20);
});
