import { expect, test, vi } from 'vitest';
import { type Batch, Loader } from '../../src/data/loader.js';
import { shapesDataset } from '../../src/data/shapes.js';
import { detectorConfig } from '../../src/detector/config.js';
import { Detector } from '../../src/detector/detector.js';
import { HeadLoss } from '../../src/losses/headLoss.js';
import { TERM_NAMES } from '../../src/losses/headTerms.js';
import { type PartialRecipe, resolveRecipe } from '../../src/losses/recipe.js';
import { sizesOf, stepNeeds } from '../../src/train/fits.js';
import { makeLearner } from '../../src/train/learner.js';
import { trainSettings } from '../../src/train/settings.js';
import { trainStep } from '../../src/train/step.js';
import { TermHistory } from '../../src/train/terms.js';
import { sharedDevice } from '../device.js';

const device = await sharedDevice();

const STEPS = 3;
const SIZE = { width: 96, height: 64 };
const config = detectorConfig({ size: 'tiny', classes: 3, bins: 5, ...SIZE });
// SGD: AdamW makes full steps of gradients that are nothing but rounding.
const settings = trainSettings({
  batch: 2,
  optimizer: 'sgd',
  learningRate: 0.02,
  warmupSteps: 0,
  clip: 10,
  weightDecay: 0,
});

async function batches(): Promise<Batch[]> {
  const source = shapesDataset({ count: STEPS * settings.batch, ...SIZE, seed: 1 });
  const loader = new Loader(source, {
    ...SIZE,
    batch: settings.batch,
    seed: 1,
    augment: false,
    shuffle: false,
    dropLast: true,
  });
  const all: Batch[] = [];
  for await (const batch of loader.batches(0)) all.push(batch);
  return all;
}

/** Terms and parameters of some steps of a tiny student. */
async function run(name: string | PartialRecipe, distillation = 1) {
  const recipe = resolveRecipe(name);
  const detector = new Detector(device, config, { seed: 1 });
  const teacher = new Detector(device, { ...config, size: 'small' }, { seed: 2 });
  const before = await detector.parameters.values.read();
  const learner = makeLearner(detector, teacher, recipe, settings);
  const headLoss = new HeadLoss(device, { ...config, imageSize: SIZE, batch: settings.batch, recipe });
  const history = new TermHistory(headLoss, STEPS);
  for (const batch of await batches()) {
    const taught = distillation > 0 ? await learner.teacher?.prepare(batch) : undefined;
    trainStep({ ...learner, headLoss, history }, batch, settings.learningRate, taught, distillation);
  }
  const terms = (await history.take(STEPS)).map((step) => Array.from(step));
  const parameters = await detector.parameters.values.read();
  history.dispose();
  learner.dispose();
  for (const net of [detector, teacher]) net.dispose();
  return { terms, parameters, change: parameters.map((value, i) => value - before[i]) };
}

/** Nothing but feature imitation. */
const IMITATION: PartialRecipe = {
  classification: { weight: 0 },
  box: { weight: 0 },
  dfl: { weight: 0 },
  imitation: { method: 'inside', weight: 2 },
};

test('what imitates features moves the student', async () => {
  const { change, terms } = await run(IMITATION);
  expect(terms[0].reduce((sum, term) => sum + term)).toBeGreaterThan(0);
  expect(Math.max(...change.map(Math.abs))).toBeGreaterThan(1e-3);
  const still = await run({ ...IMITATION, imitation: { weight: 0 } });
  expect(still.change.every((value) => value === 0)).toBe(true);
});

test.each([
  { method: 'cwd', weight: 1, projector: 'linear', norm: 'batch' },
  { method: 'pkd', weight: 6 },
  { method: 'score-weighted', weight: 6, projector: 'two-layer' },
] as const)('$method moves the student', async (imitation) => {
  const { change, terms } = await run({ ...IMITATION, imitation });
  const sums = terms.map((step) => step.reduce((sum, term) => sum + term));
  expect(Math.max(...change.map(Math.abs))).toBeGreaterThan(1e-6);
  expect(sums[0]).toBeGreaterThan(0);
  expect(sums.every(Number.isFinite)).toBe(true);
});

test('a step without distillation needs no teacher, and is that of the head alone', async () => {
  const recipe = 'main-kd+main-ld+vlr-ld+imitation-inside';
  const without = await run(recipe, 0);
  expect(without).toEqual(await run('gfocal'));
  const half = await run(recipe, 0.5);
  const whole = await run(recipe);
  const ld = TERM_NAMES.indexOf('loss_ld');
  const levels = config.strides.length;
  const sumOf = ({ terms }: typeof whole) =>
    terms[0].slice(ld * levels, (ld + 1) * levels).reduce((sum, term) => sum + term);
  expect(sumOf(half)).toBeCloseTo(0.5 * sumOf(whole), 6);
});

test('the same steps give the same bits twice', async () => {
  const first = await run('main-kd+main-ld+vlr-ld');
  expect(await run('main-kd+main-ld+vlr-ld')).toEqual(first);
});

test.each<PartialRecipe>([
  resolveRecipe('main-kd+main-ld+vlr-ld+imitation-inside'),
  { imitation: { method: 'cwd', weight: 1, projector: 'two-layer', norm: 'batch' } },
])('the sizes that a step is checked by, and the kernels compiled before it, are those that it has', async (name) => {
  const runs = vi.spyOn(device, 'run');
  await run(name);
  const bindings = runs.mock.calls.flatMap(([launch]) => Object.values(launch.bindings).map(({ size }) => size));
  const workgroups = runs.mock.calls.flatMap(([launch]) => launch.workgroups ?? []);
  const variants = runs.mock.calls.map(([{ kernel, constants = {} }]) => kernel.name + JSON.stringify(constants));
  runs.mockRestore();
  const recipe = resolveRecipe(name);
  const teacher = { config: { ...config, size: 'small' as const }, featureChannels: 32 };
  const { kernels, ...sizes } = stepNeeds(device, { net: sizesOf(config), recipe, settings, teacher })(settings.batch);
  expect(sizes).toMatchObject({ bytes: Math.max(...bindings), workgroups: Math.max(...workgroups) });
  const found = kernels.map(({ kernel, constants }) => kernel.name + JSON.stringify(constants));
  expect(new Set(found)).toEqual(new Set(variants));
});

test('a step leaves nothing in the pool', async () => {
  await run('main-ld');
  const used = device.pool.usedBytes;
  await run('main-ld');
  expect(device.pool.usedBytes).toBe(used);
});
