import fc from 'fast-check';
import { expect, test } from 'vitest';
import { recomputed } from '../../src/autograd/recomputed.js';
import { backward, backwardByLeaf, Variable } from '../../src/autograd/variable.js';
import { conv2d } from '../../src/ops/conv2d.js';
import { conv2dLevels } from '../../src/ops/conv2dLevels.js';
import { convolution } from '../../src/ops/convolution.js';
import { groupNormMaps } from '../../src/ops/groupNorm.js';
import { layerNorm } from '../../src/ops/layerNorm.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { Random } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { sharedDevice } from '../device.js';
import { runs } from '../runs.js';
import { noise } from './maps.js';

const device = await sharedDevice();

type Kind = 'frozen' | 'new' | 'there';

const RELU = { slope: 0 };
const window = { strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1] };
const [BATCH, CHANNELS, OUTPUTS, SIDE] = [2, 8, 5, 6];
const levels = [
  { height: SIDE, width: SIDE },
  { height: 3, width: 2 },
];
const maps = [BATCH, CHANNELS, SIDE, SIDE];

/** Operations with parameters that add gradients up in chunks: the shapes of the input and of the parameters. */
const OPERATIONS: Record<
  string,
  {
    input: readonly number[];
    parameters: readonly (readonly number[])[];
    run: (input: Variable, parameters: readonly Variable[]) => Variable;
  }
> = {
  conv2d: {
    input: [BATCH * CHANNELS * (SIDE * SIDE + 6)],
    parameters: [[OUTPUTS, CHANNELS, 3, 3], [OUTPUTS]],
    run: (input, [weight, bias]) => conv2d(pyramid(input), weight, bias),
  },
  'conv2d of each level': {
    input: [BATCH * CHANNELS * (SIDE * SIDE + 6)],
    parameters: [[OUTPUTS, CHANNELS, 1, 1], [OUTPUTS, CHANNELS, 1, 1], [OUTPUTS], [OUTPUTS]],
    run: (input, [one, other, bias, otherBias]) => conv2dLevels(pyramid(input), [one, other], [bias, otherBias]),
  },
  'a dense convolution': {
    input: maps,
    parameters: [[OUTPUTS, CHANNELS, 3, 3], [OUTPUTS]],
    run: (input, [weight, bias]) => convolution(input, weight, bias, { ...window, groups: 1, activation: RELU }),
  },
  'a depthwise convolution': {
    input: maps,
    parameters: [[CHANNELS, 1, 3, 3], [CHANNELS]],
    run: (input, [weight, bias]) => convolution(input, weight, bias, { ...window, groups: CHANNELS }),
  },
  'a convolution in groups': {
    input: maps,
    parameters: [[2 * OUTPUTS, CHANNELS / 2, 3, 3], [2 * OUTPUTS]],
    run: (input, [weight, bias]) => convolution(input, weight, bias, { ...window, groups: 2 }),
  },
  'group norm': {
    input: maps,
    parameters: [[CHANNELS], [CHANNELS]],
    run: (input, [scale, shift]) => groupNormMaps(input, scale, shift, { groups: 2 }),
  },
  'layer norm': {
    input: [12, CHANNELS],
    parameters: [[CHANNELS], [CHANNELS]],
    run: (input, [scale, shift]) => layerNorm(input, scale, shift, 1e-5),
  },
  'layer norm without a shift': {
    input: [12, CHANNELS],
    parameters: [[CHANNELS]],
    run: (input, [scale]) => layerNorm(input, scale, null, 1e-5),
  },
};

function pyramid({ value }: Variable): Variable<Pyramid> {
  return new Variable(Pyramid.of(value, BATCH, CHANNELS, levels), true);
}

const bits = async (tensor: Tensor) => Array.from(new Uint32Array((await tensor.read()).buffer));

test.each(Object.entries(OPERATIONS))(
  '%s adds to gradients that are there, or gives them: the same bits',
  (_name, of) =>
    fc.assert(
      fc.asyncProperty(
        fc.nat(1e6),
        // Frozen, without a gradient before, or with one.
        fc.array(fc.constantFrom<Kind[]>('frozen', 'new', 'there'), { minLength: 4, maxLength: 4 }),
        fc.boolean(),
        async (seed, kinds, again) => {
          const random = Random.of(seed);
          const drawn = (shape: readonly number[]) =>
            noise(
              random,
              shape.reduce((a, b) => a * b),
            );
          const input = device.tensor(drawn(of.input), of.input);
          const values = of.parameters.map((shape) => device.tensor(drawn(shape), shape));
          const before = of.parameters.map(drawn);
          let weights: Tensor | null = null;
          const pass = (leaves: readonly Variable[]) => {
            const x = new Variable(input, true);
            const output = again ? recomputed([x], ([own]) => of.run(own, leaves)) : of.run(x, leaves);
            weights ??= device.tensor(drawn([output.value.size]), output.value.shape);
            const reached = [...backwardByLeaf({ variable: output, gradient: weights })];
            for (const leaf of leaves)
              expect(reached.filter((other) => other === leaf)).toHaveLength(+leaf.requiresGradient);
          };
          const alone = values.map((value, i) => new Variable(value, kinds[i] !== 'frozen'));
          pass(alone);
          const leaves = values.map((value, i) => {
            const leaf = new Variable(value, kinds[i] !== 'frozen');
            if (kinds[i] === 'there') leaf.gradient = device.tensor(before[i], value.shape);
            return leaf;
          });
          pass(leaves);
          for (const [i, { gradient }] of leaves.entries()) {
            if (kinds[i] === 'frozen') {
              expect(gradient).toBeNull();
              continue;
            }
            const own = await alone[i].gradient!.read();
            const sums = kinds[i] === 'new' ? own : own.map((value, at) => before[i][at] + value);
            expect(await bits(gradient!)).toEqual(Array.from(new Uint32Array(Float32Array.from(sums).buffer)));
          }
        },
      ),
      // Whatever else is drawn: all are there, as in a training.
      {
        ...runs(6),
        examples: [false, true].map(
          (again) => [1, ['there', 'there', 'there', 'there'], again] as [number, Kind[], boolean],
        ),
      },
    ),
);

test('a gradient of another size is refused, not added to', () => {
  const weight = new Variable(device.zeros([OUTPUTS, CHANNELS, 3, 3]), true);
  weight.gradient = device.zeros([OUTPUTS]);
  const output = convolution(new Variable(device.zeros(maps)), weight, null, { ...window, groups: 1 });
  expect(() => backward({ variable: output, gradient: device.zeros(output.value.shape) })).toThrow(
    /^add: shapes \[5\] and \[5,8,3,3\] differ/,
  );
});
