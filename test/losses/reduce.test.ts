import { expect, test } from 'vitest';
import { sum } from '../../src/losses/reduce.js';
import { sharedDevice } from '../device.js';
import { normals } from './rowCases.js';

const device = await sharedDevice();

test('the sum of nothing is 0', async () => {
  expect(Array.from(await sum(device.empty([0])).read())).toEqual([0]);
});

test.each([1, 255, 256, 257, 4096, 4097, 100_003])('sum of %i values, in one stage or two', async (count) => {
  const values = normals(count, count, 1);
  const [total] = await sum(device.tensor(values)).read();
  const expected = values.reduce((a, b) => a + b, 0);
  // Normals add up to about sqrt(count), and each of the few roundings on the way is of 2^-24 of that.
  expect(Math.abs(total - expected)).toBeLessThan(5e-7 * Math.sqrt(count));
});

test('the same values give the same bits', async () => {
  const values = device.tensor(normals(7, 50_000, 1));
  const first = await sum(values).read();
  const second = await sum(values).read();
  expect(second).toEqual(first);
});
