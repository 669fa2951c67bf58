import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Variable } from '../../src/autograd/variable.js';
import { layerNorm } from '../../src/ops/layerNorm.js';
import { sharedDevice } from '../device.js';
import { layerNorm as oracle } from '../reference/norms.js';
import { runs } from '../runs.js';
import { expectOperation } from './operation.js';

const device = await sharedDevice();

describe('layerNorm', () => {
  it('agrees with the oracle, with and without a shift', async () => {
    const shapes = fc.record({
      rows: fc.integer({ min: 1, max: 150 }),
      length: fc.integer({ min: 3, max: 20 }),
      shifted: fc.boolean(),
      seed: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(shapes, async ({ rows, length, shifted, seed }) => {
        await expectOperation(device, {
          inputs: [[rows, length], [length], ...(shifted ? [[length]] : [])],
          run: (x, scale, ...shift) => layerNorm(x, scale, shift[0] ?? null, 1e-2),
          oracle: (x, scale, ...shift) => oracle(x, scale, shift[0] ?? null, 1e-2),
          // A gradient of the shift is a sum of 150 values below 1.
          tolerance: 5e-5,
          seed,
        });
      }),
      runs(5),
    );
  });

  it('names what does not fit', () => {
    const of = (...shape: number[]) => new Variable(device.zeros(shape));
    expect(() => layerNorm(of(2, 3), of(4), null, 1e-5)).toThrow(/scale: 4 elements; the input of shape \[2,3\]/);
    expect(() => layerNorm(of(2, 3), of(3), of(2), 1e-5)).toThrow(/shift: 2 elements; the scale has 3/);
  });
});
