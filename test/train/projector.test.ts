import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Variable } from '../../src/autograd/variable.js';
import { detectorConfig } from '../../src/detector/config.js';
import { Detector } from '../../src/detector/detector.js';
import { type Recipe, resolveRecipe } from '../../src/losses/recipe.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { loadCheckpoint, restoreLearner, saveCheckpoint } from '../../src/train/checkpoint.js';
import { makeLearner } from '../../src/train/learner.js';
import { makeProjector } from '../../src/train/projector.js';
import { trainSettings } from '../../src/train/settings.js';
import { sharedDevice } from '../device.js';
import { expectClose } from '../reference/closeTo.js';
import { noise } from '../reference/noise.js';
import { conv2d } from '../reference/ops.js';

const device = await sharedDevice();
const settings = trainSettings({ seed: 3 });
const SIZES = [
  { height: 3, width: 4 },
  { height: 2, width: 2 },
];

const recipeWith = (projector: Recipe['imitation']['projector'], weight = 1) =>
  resolveRecipe({ imitation: { method: 'cwd', weight, projector } });

const projectorOf = (projector: Recipe['imitation']['projector'], own: number, teacher: number, weight = 1) =>
  makeProjector(recipeWith(projector, weight), { device, own, teacher, levels: SIZES.length }, settings);

test('auto: none for equal widths; the others always; none where nothing is compared', () => {
  expect(projectorOf('auto', 6, 6)).toBeNull();
  const kinds = { auto: 8, linear: 6, 'two-layer': 6 } as const;
  for (const [kind, teacher] of Object.entries(kinds)) {
    const projector = projectorOf(kind as 'auto', 6, teacher);
    expect(projector, kind).not.toBeNull();
    projector?.dispose();
    expect(projectorOf(kind as 'auto', 6, teacher, 0), kind).toBeNull();
  }
});

const NAMES = {
  auto: ['weight'],
  linear: ['level0.weight', 'level1.weight'],
  'two-layer': [0, 1].flatMap((level) =>
    ['conv1.weight', 'conv1.bias', 'conv2.weight', 'conv2.bias'].map((name) => `level${level}.${name}`),
  ),
};

describe.each(['auto', 'linear', 'two-layer'] as const)('%s', (kind) => {
  test('is what its parameters say, level by level, and keeps the variance', async () => {
    const [own, teacher] = [24, 32];
    const projector = projectorOf(kind, own, teacher)!;
    const { parameters } = projector.optimizer;
    expect(parameters.names).toEqual(NAMES[kind]);
    const values = async (name: string) => Float32Array.from(await parameters.get(name).value.read());
    // Biases begin at 0; others would hide a bias that is not used.
    for (const name of parameters.names) {
      if (name.endsWith('bias')) parameters.get(name).value.write(Float32Array.from(noise(9, teacher)));
    }
    const features = Float32Array.from(noise(1, 2 * own * 16));
    const pyramid = Pyramid.of(device.tensor(features), 2, own, SIZES);
    const output = await projector.apply(new Variable(pyramid)).value.read();
    const expected: number[] = [];
    for (const [level, { height, width }] of SIZES.entries()) {
      const start = 2 * own * (level === 0 ? 0 : 12);
      const map = {
        batch: 2,
        channels: own,
        height,
        width,
        values: features.slice(start, start + 2 * own * height * width),
      };
      const options = { outputs: teacher, kernel: 1, stride: 1 };
      if (kind !== 'two-layer') {
        const weight = await values(kind === 'auto' ? 'weight' : `level${level}.weight`);
        expected.push(...conv2d(map, weight, null, options).values);
        continue;
      }
      const of = (name: string) => values(`level${level}.${name}`);
      const hidden = conv2d(map, await of('conv1.weight'), await of('conv1.bias'), options);
      hidden.values.forEach((value, i) => {
        hidden.values[i] = Math.max(0, value);
      });
      expected.push(...conv2d(hidden, await of('conv2.weight'), await of('conv2.bias'), options).values);
    }
    expectClose(output, expected, { absolute: 1e-4, relative: 1e-5 });
    const power = (list: ArrayLike<number>) => Array.from(list).reduce((sum, x) => sum + x * x, 0) / list.length;
    expect(power(output) / power(features)).toBeGreaterThan(0.3);
    expect(power(output) / power(features)).toBeLessThan(3);
    projector.dispose();
  });

  test('a checkpoint brings weights and memory back, bit for bit', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'edgewise-projector-'));
    const config = detectorConfig({ size: 'tiny', classes: 3, bins: 5, width: 64, height: 64 });
    const recipe = recipeWith(kind);
    const nets = [
      new Detector(device, config, { seed: 1 }),
      new Detector(device, { ...config, size: 'small' }, { seed: 2 }),
    ] as const;
    const learner = makeLearner(...nets, recipe, settings);
    const { parameters } = learner.adapter!.optimizer;
    parameters.gradients.write(new Float32Array(parameters.gradients.size).fill(0.5));
    learner.adapter!.optimizer.begin(0.1);
    learner.adapter!.optimizer.update();
    const classes = ['one', 'two', 'three'].map((name, i) => ({ id: i + 1, name }));
    const file = join(folder, 'checkpoint.safetensors');
    const progress = {
      choices: {},
      teacherCache: false,
      step: 1,
      stepsPerEpoch: 10,
      epochTerms: [],
      bestAp: -1,
      last: null,
    };
    await saveCheckpoint(file, learner, { detector: config, recipe, classes, settings, ...progress });
    const other = makeLearner(...nets, recipe, { ...settings, seed: 8 });
    restoreLearner(other, await loadCheckpoint(folder));
    const bits = async ({ adapter }: typeof learner) => {
      const { parameters: own, state } = adapter!.optimizer;
      const flat = await Promise.all([own.values, ...Object.values(state)].map((tensor) => tensor.read()));
      return flat.map((values) => own.split(values as Float32Array));
    };
    expect(await bits(other)).toEqual(await bits(learner));
    for (const each of [learner, other, ...nets]) each.dispose();
    await rm(folder, { recursive: true });
  });
});
