/** Steps and trainings whose forward pass is computed again for the gradients: the bits of those that keep it, in less memory. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Loader } from '../../src/data/loader.js';
import { shapesDataset } from '../../src/data/shapes.js';
import { detectorConfig } from '../../src/detector/config.js';
import { Detector } from '../../src/detector/detector.js';
import { HeadLoss } from '../../src/losses/headLoss.js';
import { type PartialRecipe, resolveRecipe } from '../../src/losses/recipe.js';
import { openDevice } from '../../src/tensor/device.js';
import { loadCheckpoint } from '../../src/train/checkpoint.js';
import { sizesOf, stepMemory } from '../../src/train/fits.js';
import { companionsOf, makeLearner } from '../../src/train/learner.js';
import { type TrainSettings, trainSettings } from '../../src/train/settings.js';
import { stepParts } from '../../src/train/step.js';
import { TermHistory } from '../../src/train/terms.js';
import { together } from '../../src/train/together.js';
import { resumeTraining, type TrainOptions, train } from '../../src/train/train.js';
import { sharedDevice } from '../device.js';
import { localRanks } from '../mpi/localRanks.js';

const device = await sharedDevice();
const hasHalf = device.gpu.features.has('shader-f16');
const SIZE = { width: 64, height: 32 };
const config = detectorConfig({ size: 'tiny', classes: 3, bins: 8, ...SIZE });

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'edgewise-recompute-'));
});
afterAll(() => rm(root, { recursive: true }));

const TWO_LAYERS: PartialRecipe = {
  ...resolveRecipe('main-kd+main-ld+vlr-ld+imitation-inside'),
  imitation: { method: 'score-weighted', weight: 6, projector: 'two-layer' },
};

interface Drawn {
  recipe: string | PartialRecipe;
  settings: Partial<TrainSettings>;
  size: 'tiny' | 'small';
  ranks: number;
}

/** Terms, and the parameters and gradients of all that learns, after a step of two batches. */
async function step({ recipe: name, settings: given, size, ranks }: Drawn, recompute: boolean) {
  const recipe = resolveRecipe(name);
  const settings = trainSettings({ batch: 4, accumulate: 2, optimizer: 'sgd', recompute, ...given });
  const made = localRanks(ranks).map(async (rank) => {
    const { precision } = settings;
    const student = new Detector(device, { ...config, size }, { seed: 1, precision });
    const teacher = new Detector(device, { ...config, size: 'small' }, { seed: 2, precision });
    const learner = makeLearner(student, teacher, recipe, settings);
    const own = settings.batch / ranks;
    const headLoss = new HeadLoss(device, { ...config, imageSize: SIZE, batch: own, shares: ranks, recipe });
    const history = new TermHistory(headLoss, 1, 2);
    const source = shapesDataset({ count: 8, ...SIZE, seed: 1 });
    const loading = { ...SIZE, batch: settings.batch, seed: 1, augment: false, shuffle: false, dropLast: true };
    const tools = { ...learner, headLoss, history };
    let index = 0;
    for await (const batch of new Loader(source, { ...loading, share: { part: rank.rank, of: ranks } }).batches(0)) {
      const taught = await learner.teacher?.prepare(batch);
      await together(stepParts(tools, batch, 0.01, taught, 1, { index: index++, of: 2 }), rank);
    }
    const [terms] = await history.take(1);
    const stores = [learner.optimizer, ...companionsOf(learner).map(([, companion]) => companion)];
    const tensors = await Promise.all(
      stores.flatMap(({ parameters: { values, gradients } }) => [values, gradients].map((tensor) => tensor.read())),
    );
    history.dispose();
    learner.dispose();
    for (const net of [student, teacher]) net.dispose();
    return { terms, tensors };
  });
  return Promise.all(made);
}

test('a step has the same terms, gradients and parameters, whatever else it does', async () => {
  const distilled = fc.constantFrom('gfocal', 'main-kd+main-ld+vlr-ld+imitation-inside', TWO_LAYERS);
  const drawn = fc.record<Drawn>({
    recipe: fc.oneof(distilled, fc.constant('crosskd+pkd')),
    settings: fc.record({
      precision: fc.constantFrom('f32', ...(hasHalf ? (['f16'] as const) : [])),
      freeze: fc.constantFrom([], ['backbone.stem*'], ['neck.*', 'head.box1.*']),
    }),
    size: fc.constantFrom('tiny', 'small'),
    ranks: fc.constantFrom(1, 2),
  });
  await fc.assert(
    fc.asyncProperty(drawn, async (given) => {
      // CrossKD is not distributed.
      const one = given.recipe === 'crosskd+pkd' ? { ...given, ranks: 1 } : given;
      expect(await step(one, true)).toEqual(await step(one, false));
    }),
    {
      numRuns: 2,
      examples: [
        [{ recipe: 'crosskd+pkd', settings: {}, size: 'tiny', ranks: 1 }],
        [{ recipe: TWO_LAYERS, settings: { precision: hasHalf ? 'f16' : 'f32' }, size: 'tiny', ranks: 2 }],
      ],
    },
  );
});

test('a training that changes its mind at each resume has the bits of one that does not', async () => {
  const options = (name: string, recompute: boolean): TrainOptions => ({
    ...{ device, source: shapesDataset({ count: 6, ...SIZE, seed: 1 }), folder: join(root, name), detector: config },
    settings: { epochs: 2, batch: 2, evaluateEvery: 0, warmupSteps: 2, recompute },
  });
  await train(options('kept', false));
  const { detector: _, settings: __, ...context } = options('changing', true);
  const stops = AbortSignal.abort();
  await train({ ...options('changing', true), signal: stops });
  await resumeTraining({ ...context, recompute: false, signal: stops });
  await resumeTraining({ ...context, signal: stops });
  expect((await loadCheckpoint(join(root, 'changing'))).metadata).toMatchObject({
    step: 3,
    settings: { recompute: false },
  });
  await resumeTraining({ ...context, recompute: true });
  const [kept, changing] = await Promise.all(['kept', 'changing'].map((name) => loadCheckpoint(join(root, name))));
  expect(changing.metadata.settings.recompute).toBe(true);
  expect(changing.tensors).toEqual(kept.tensors);
});

const large = detectorConfig({ size: 'base', classes: 20, width: 640, height: 640 });
const memoryOf = (settings: Partial<TrainSettings>, teacher: boolean) =>
  stepMemory(device, {
    net: sizesOf(large, settings.precision),
    batch: 2,
    recipe: resolveRecipe(teacher ? 'main-ld' : 'gfocal'),
    settings: trainSettings({ batch: 2, ...settings }),
    teacher: teacher ? { config: large, featureChannels: 48 } : null,
  });

test.each([['f32', false, 0.65], ['f32', true, 0.75], ...(hasHalf ? ([['f16', false, 0.7]] as const) : [])] as const)(
  'the memory of a step in %s, taught: %s, is less',
  (precision, taught, most) => {
    const [kept, again] = [false, true].map((recompute) => memoryOf({ precision, recompute }, taught));
    expect(again / kept).toBeLessThan(most);
    expect(again / kept).toBeGreaterThan(0.3);
  },
);

test.each([false, true])('a training holds the memory that was foreseen, recomputing: %s', async (recompute) => {
  const detector = detectorConfig({ size: 'tiny', classes: 3, width: 256, height: 256 });
  const settings = { epochs: 2, batch: 2, evaluateEvery: 0, recompute };
  const source = shapesDataset({ count: 4, width: 256, height: 256, seed: 1 });
  const own = await openDevice({ tune: false });
  const sizes = {
    net: sizesOf(detector),
    batch: 2,
    recipe: resolveRecipe('gfocal'),
    settings: trainSettings(settings),
  };
  const foreseen = stepMemory(own, { ...sizes, teacher: null });
  let held = 0;
  const onProgress = () => {
    held = Math.max(held, own.pool.heldBytes);
  };
  await train({ device: own, detector, source, settings, folder: join(root, `held-${recompute}`), onProgress });
  await own.close();
  // What depends on the images' objects is small.
  expect(Math.abs(held / foreseen - 1)).toBeLessThan(0.02);
});
