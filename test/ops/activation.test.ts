import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkGradients } from '../../src/autograd/checkGradients.js';
import { backward, Variable } from '../../src/autograd/variable.js';
import { relu, silu } from '../../src/ops/activation.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { Random } from '../../src/tensor/random.js';
import { sharedDevice } from '../device.js';
import { expectClose } from '../reference/closeTo.js';
import * as oracle from '../reference/ops.js';
import { runs } from '../runs.js';
import { levelSizes, noise, randomPyramid } from './maps.js';

const device = await sharedDevice();

describe.each([
  { name: 'relu', activation: relu, value: oracle.relu, slope: oracle.reluSlope },
  { name: 'silu', activation: silu, value: oracle.silu, slope: oracle.siluSlope },
])('$name', ({ activation, value, slope }) => {
  it('agrees with the oracle, forward and backward', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), levelSizes, async (seed, sizes) => {
        const random = Random.of(seed);
        const maps = randomPyramid(device, random, 2, 3, sizes);
        const inputs = await maps.read();
        inputs.forEach((x, i) => {
          inputs[i] = 8 * x;
        });
        maps.write(inputs);
        const input = new Variable(maps, true);
        const output = activation(input);
        const tolerance = { absolute: 2e-6, relative: 2e-6 };
        expectClose(await output.value.read(), Array.from(inputs, value), tolerance);
        const incoming = noise(random, maps.size);
        backward({ variable: output, gradient: device.tensor(incoming) });
        const expected = Array.from(inputs, (x, i) => incoming[i] * slope(x));
        expectClose(await input.gradient!.read(), expected, tolerance);
      }),
      runs(9),
    );
  });

  it('stays finite at extreme inputs', async () => {
    const extremes = [0, -0, 1e4, -1e4, 3e38, -3e38, 100, -100];
    const input = new Variable(Pyramid.of(device.tensor(extremes), 1, 1, [{ height: 2, width: 4 }]), true);
    const output = activation(input);
    const values = await output.value.read();
    expectClose(values, extremes.map(value), { absolute: 1e-30, relative: 1e-6 });
    backward({ variable: output, gradient: device.tensor(extremes.map(() => 1)) });
    expectClose(await input.gradient!.read(), extremes.map(slope), { absolute: 1e-30, relative: 1e-6 });
  });
});

it('silu has the gradients of its central differences', async () => {
  const maps = randomPyramid(device, Random.of(2), 1, 2, [{ height: 3, width: 5 }]);
  const check = await checkGradients((input) => silu(input as Variable<Pyramid>), [maps]);
  expect(check.relative).toBeLessThan(1e-3);
});
