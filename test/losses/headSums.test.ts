import { afterEach, expect, test } from 'vitest';
import type { Choices } from '../../src/gpu/choices.js';
import { Random } from '../../src/tensor/random.js';
import { sharedDevice } from '../device.js';
import type { ImageTruth } from '../reference/types.js';
import { makeHeadLoss, REFERENCE, randomOutputs, SIZES, uploadOutputs, uploadTruths } from './headCase.js';

const device = await sharedDevice();
afterEach(() => device.setChoices({}));

/** So many locations and positives that an invocation reads several ahead, and has a rest. */
const LARGE = { ...SIZES, width: 1032, height: 264 };
const OBJECTS = 60;

function objects(random: Random): ImageTruth {
  const boxes = Array.from({ length: OBJECTS }, (): [number, number, number, number] => {
    const [x, y] = [random.uniform(0, LARGE.width - 40), random.uniform(0, LARGE.height - 40)];
    return [x, y, x + random.uniform(20, 140), y + random.uniform(20, 140)];
  });
  return { boxes, labels: boxes.map(() => random.integer(LARGE.classes)) };
}

test.each([
  ['samples, imitation', { ...REFERENCE, imitation: { method: 'inside' as const, weight: 1 } }, false],
  ['all locations', 'bckd', false],
  ['features by score', { imitation: { method: 'score-weighted' as const, weight: 1 } }, false],
  ['all locations, bad logits', 'bckd', true],
])('both ways to add up losses give the same bits: %s', async (_name, recipe, isBad) => {
  const seed = Math.floor(1e6 * Math.random());
  const random = Random.of(seed);
  const outputs = randomOutputs(LARGE, seed, 2);
  for (const level of isBad ? outputs.classLogits : [])
    (level as Float32Array)[random.integer(level.length)] = Number.NaN;
  const student = uploadOutputs(device, LARGE, outputs);
  const teacher = uploadOutputs(device, LARGE, randomOutputs(LARGE, seed + 1000, 2));
  const truth = uploadTruths(device, LARGE, [objects(random), objects(random)]);
  const loss = makeHeadLoss(device, LARGE, recipe);
  const bits = async (by: Choices['terms.workgroups']) => {
    device.setChoices({ 'terms.workgroups': by });
    const result = loss.evaluate({ student, teacher, truth });
    const { terms, faults, total, gradients } = result;
    const { classLogits, boxLogits, features } = gradients;
    const tensors = [terms, faults, total, classLogits, boxLogits, ...(features ? [features] : [])];
    const read = await Promise.all(tensors.map(async (tensor) => new Uint32Array((await tensor.read()).buffer)));
    result.dispose();
    return read;
  };
  const [levels, sources] = [await bits('levels'), await bits('sources')];
  expect(sources, `seed ${seed}`).toEqual(levels);
  expect(levels[1].some((fault) => fault !== 0)).toBe(isBad);
});
