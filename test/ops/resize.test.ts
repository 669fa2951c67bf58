import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Variable } from '../../src/autograd/variable.js';
import { type ResizeOptions, resize2d } from '../../src/ops/resize.js';
import { sharedDevice } from '../device.js';
import { resize } from '../reference/resize.js';
import { runs } from '../runs.js';
import { expectOperation } from './operation.js';

const device = await sharedDevice();
const side = fc.integer({ min: 1, max: 9 });
const coordinates = fc.constantFrom<ResizeOptions['coordinates'][]>(
  'half_pixel',
  'pytorch_half_pixel',
  'align_corners',
  'asymmetric',
);
const nearest = fc.constantFrom<ResizeOptions['nearest'][]>('floor', 'ceil', 'round_prefer_floor', 'round_prefer_ceil');
const OPTIONS: ResizeOptions = { height: 2, width: 2, mode: 'linear', coordinates: 'half_pixel', nearest: 'floor' };

describe('resize2d', () => {
  it.each(['nearest', 'linear'] as const)('agrees with the oracle, %s', async (mode) => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.tuple(side, side),
        fc.record({ height: side, width: side, coordinates, nearest }),
        async (seed, size, rest) => {
          const options = { mode, ...rest };
          await expectOperation(device, {
            inputs: [[2, 2, ...size]],
            run: (x) => resize2d(x, options),
            oracle: (x) => resize(x, options),
            // Sums of up to 81 values.
            tolerance: 1e-5,
            seed,
            step: 0.5,
          });
        },
      ),
      runs(42),
    );
  });

  it('doubles and halves as exporters write it', async () => {
    for (const size of [
      [4, 6],
      [8, 12],
    ]) {
      for (const mode of ['nearest', 'linear'] as const) {
        const options = { height: 8, width: 12, mode, coordinates: 'asymmetric', nearest: 'floor' } as const;
        await expectOperation(device, {
          inputs: [[1, 3, ...size]],
          run: (x) => resize2d(x, options),
          oracle: (x) => resize(x, options),
          tolerance: 1e-5,
          seed: 2,
          step: 0.5,
        });
      }
    }
  });

  it('names what does not fit', () => {
    const x = new Variable(device.zeros([1, 2, 3, 3]));
    expect(() => resize2d(new Variable(device.zeros([3, 3])), OPTIONS)).toThrow(/x: shape \[3,3\]; expected \[batch/);
    expect(() => resize2d(x, { ...OPTIONS, height: 0 })).toThrow(/height: 0; expected an integer/);
    expect(() => resize2d(x, { ...OPTIONS, mode: 'cubic' as 'linear' })).toThrow(/mode: .*one of nearest, linear/);
  });
});
