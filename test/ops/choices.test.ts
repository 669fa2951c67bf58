/** Every value of every choice between variants of kernels computes the same. */
import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { backward, Variable } from '../../src/autograd/variable.js';
import { loadGoldenCase } from '../../src/eval/goldenCase.js';
import { checkGoldenCase } from '../../src/eval/goldenCheck.js';
import { type ChoiceName, type Choices, defaultChoices, possibleValues } from '../../src/gpu/choices.js';
import { conv2d } from '../../src/ops/conv2d.js';
import { groupNorm } from '../../src/ops/groupNorm.js';
import { Random } from '../../src/tensor/random.js';
import { sharedDevice } from '../device.js';
import { expectClose } from '../reference/closeTo.js';
import {
  conv2dGradients,
  conv2d as convolutionOracle,
  groupNormGradients,
  groupNorm as normOracle,
} from '../reference/ops.js';
import { runs } from '../runs.js';
import { joined, levelSizes, levelsOf, noise, randomPyramid, summed } from './maps.js';

const device = await sharedDevice();
afterEach(() => {
  vi.restoreAllMocks();
  device.setChoices({});
});

const SIZES = [
  { height: 13, width: 22 },
  { height: 5, width: 3 },
];

/** Runs `check` with each value that the device has, one choice after the other. */
async function withEach(
  names: readonly ChoiceName[],
  check: (value: Partial<Choices>) => Promise<void>,
): Promise<void> {
  for (const name of names) {
    for (const value of possibleValues(device.gpu, name)) {
      device.setChoices({ [name]: value });
      await check({ [name]: value });
    }
  }
}

const DIRECT = {
  inputs: 33,
  outputs: 11,
  names: [
    'tile.workgroup',
    'reduction.workgroup',
    'convolution.weights',
    'weightGradient.incoming',
    'weightGradient.invocations',
  ],
} as const;
/** More outputs than a workgroup of the smaller tiles has. */
const TILED = { inputs: 5, outputs: 67, names: ['convolution.kernel', 'weightGradient.kernel'] } as const;

test.each(
  [DIRECT, TILED].flatMap((sizes) => [
    { kernel: 3, stride: 1, ...sizes } as const,
    { kernel: 3, stride: 2, ...sizes } as const,
    { kernel: 1, stride: 1, ...sizes } as const,
  ]),
)('a convolution and its gradients: %j', async ({ kernel, stride, inputs, outputs, names }) => {
  const random = Random.of(kernel, stride);
  const batch = 2;
  const maps = randomPyramid(device, random, batch, inputs, SIZES);
  const weights = noise(random, outputs * inputs * kernel ** 2);
  const biases = noise(random, outputs);
  const levels = await levelsOf(maps);
  const expected = levels.map((level) => convolutionOracle(level, weights, biases, { outputs, kernel, stride }));
  const incoming = expected.map(({ values }) => noise(random, values.length));
  const gradients = levels.map((level, i) =>
    conv2dGradients(level, weights, { ...expected[i], values: incoming[i] }, { outputs, kernel, stride }),
  );
  const check = async () => {
    const input = new Variable(maps, true);
    const weight = new Variable(device.tensor(weights, [outputs, inputs, kernel, kernel]), true);
    const bias = new Variable(device.tensor(biases), true);
    const output = conv2d(input, weight, bias, { stride });
    output.retained = true;
    backward({ variable: output, gradient: device.tensor(joined(incoming)) });
    // As in conv2d.test.ts: rounding grows with the number of products.
    const rounding = (products: number) => ({ absolute: 1e-6 * Math.sqrt(products), relative: 1e-6 });
    const pixels = rounding(batch * output.value.locations);
    expectClose(await output.value.read(), joined(expected.map(({ values }) => values)), rounding(inputs * 9));
    expectClose(await input.gradient!.read(), joined(gradients.map((g) => g.input)), rounding(outputs * 9));
    expectClose(await weight.gradient!.read(), summed(gradients.map((g) => g.weight)), pixels);
    expectClose(await bias.gradient!.read(), summed(gradients.map((g) => g.bias)), pixels);
  };
  await withEach(names, check);
  // As where subgroups have no more than four lanes.
  vi.spyOn(device, 'sharingLanes', 'get').mockReturnValue(4);
  device.setChoices({});
  await check();
});

const WINDOWS = [
  { kernel: 3, stride: 1 },
  { kernel: 3, stride: 2 },
  { kernel: 1, stride: 1 },
] as const;

test.each([
  ['winograd', WINDOWS.slice(0, 1)],
  ['tiles-64', WINDOWS],
  ['tiles-128', WINDOWS],
] as const)('%s: maps and channels of any number', async (kernels, windows) => {
  const shapes = fc.record({
    batch: fc.integer({ min: 1, max: 3 }),
    inputs: fc.integer({ min: 1, max: 40 }),
    // More than a workgroup of 128 has with 1×1 alone: 9 · 130 products round beyond what is allowed here.
    form: fc.oneof(
      fc.record({ outputs: fc.integer({ min: 1, max: 70 }), window: fc.constantFrom(...windows) }),
      fc.record({
        outputs: fc.constant(windows.length > 1 ? 130 : 70),
        window: fc.constant(windows[windows.length - 1]),
      }),
    ),
    biased: fc.boolean(),
    sizes: levelSizes,
    seed: fc.nat(),
  });
  device.setChoices({ 'convolution.kernel': kernels, 'weightGradient.kernel': 'tiles' });
  await fc.assert(
    fc.asyncProperty(shapes, async ({ batch, inputs, form, biased, sizes, seed }) => {
      const { outputs, window } = form;
      const { kernel, stride } = window;
      const random = Random.of(seed);
      const maps = randomPyramid(device, random, batch, inputs, sizes);
      const weights = noise(random, outputs * inputs * kernel ** 2);
      const biases = biased ? noise(random, outputs) : null;
      const input = new Variable(maps, true);
      const weight = new Variable(device.tensor(weights, [outputs, inputs, kernel, kernel]), true);
      const output = conv2d(input, weight, biases && new Variable(device.tensor(biases)), { stride });
      const incoming = device.tensor(noise(random, output.value.size));
      const levels = await levelsOf(maps);
      const expected = levels.map((level) => convolutionOracle(level, weights, biases, { outputs, kernel, stride }));
      const incomingLevels = await levelsOf(output.value, incoming);
      const gradients = levels.map((level, i) =>
        conv2dGradients(level, weights, incomingLevels[i], { outputs, kernel, stride }),
      );
      const rounding = (products: number) => ({ absolute: 1e-6 * Math.sqrt(products + 1), relative: 1e-6 });
      const pixels = rounding(batch * output.value.locations);
      expectClose(await output.value.read(), joined(expected.map(({ values }) => values)), rounding(9 * inputs));
      backward({ variable: output, gradient: incoming });
      expectClose(await input.gradient!.read(), joined(gradients.map((g) => g.input)), rounding(9 * outputs));
      expectClose(await weight.gradient!.read(), summed(gradients.map((g) => g.weight)), pixels);
    }),
    runs(7),
  );
});

test('group norm and its gradients', async () => {
  const random = Random.of(2);
  const [groups, channels] = [2, 10];
  const maps = randomPyramid(device, random, 2, channels, SIZES);
  const [scales, shifts] = [noise(random, channels), noise(random, channels)];
  const incoming = device.tensor(noise(random, maps.size));
  const levels = await levelsOf(maps);
  const incomingLevels = await levelsOf(maps, incoming);
  const expected = levels.map((level) => normOracle(level, scales, shifts, groups).values);
  const gradients = levels.map((level, i) => groupNormGradients(level, scales, incomingLevels[i], groups));
  await withEach(['norm.workgroups', 'reduction.workgroup'], async () => {
    const [input, scale, shift] = [
      new Variable(maps, true),
      new Variable(device.tensor(scales), true),
      new Variable(device.tensor(shifts), true),
    ];
    const output = groupNorm(input, scale, shift, { groups });
    output.retained = true;
    backward({ variable: output, gradient: incoming });
    const tolerance = { absolute: 2e-5, relative: 2e-5 };
    expectClose(await output.value.read(), joined(expected), tolerance);
    expectClose(await input.gradient!.read(), joined(gradients.map((g) => g.input)), tolerance);
    expectClose(await scale.gradient!.read(), summed(gradients.map((g) => g.scale)), tolerance);
    expectClose(await shift.gradient!.read(), summed(gradients.map((g) => g.shift)), tolerance);
  });
});

test.each(['small-bins', 'one-class'])('the reference implementation’s head loss: %s', async (name) => {
  const golden = await loadGoldenCase(`test/golden/${name}.safetensors`);
  // The head loss has no convolution.
  const names = (Object.keys(defaultChoices(device.gpu)) as ChoiceName[]).filter(
    (choice) => !/^(convolution|weightGradient|tile)\./.test(choice),
  );
  await withEach(names, async (choice) => {
    const found = await checkGoldenCase(device, golden);
    expect({ choice, failed: found.filter(({ passed }) => !passed) }).toEqual({ choice, failed: [] });
  });
});
