/** The head loss of recipes that compare features without a region. */
import { describe, expect, test } from 'vitest';
import { type PartialRecipe, resolveRecipe } from '../../src/losses/recipe.js';
import { assignmentOf } from '../../src/regions/given.js';
import { sharedDevice } from '../device.js';
import { makeHeadLoss, randomOutputs, SIZES, TRUTHS, upload, uploadOutputs, uploadTruths } from './headCase.js';

const device = await sharedDevice();

const CASES: NonNullable<PartialRecipe['imitation']>[] = [
  { method: 'cwd', weight: 3 },
  { method: 'cwd', weight: 3, norm: 'batch' },
  { method: 'pkd', weight: 6 },
  { method: 'score-weighted', weight: 6 },
  { method: 'score-weighted', weight: 6, norm: 'batch' },
  { method: 'whole', weight: 2, norm: 'batch', needsPositives: false },
];
const recipes = CASES.map((imitation) => [JSON.stringify(imitation), { imitation }] as const);

function scene() {
  return {
    student: uploadOutputs(device, SIZES, randomOutputs(SIZES, 1, 2)),
    teacher: uploadOutputs(device, SIZES, randomOutputs(SIZES, 1001, 2)),
    truth: uploadTruths(device, SIZES, TRUTHS),
  };
}

describe.each(recipes)('%s', (_, recipe) => {
  const loss = makeHeadLoss(device, SIZES, recipe);

  test('a bad feature is named where it lies', async () => {
    for (const net of ['student', 'teacher'] as const) {
      for (const value of [NaN, Infinity]) {
        const levels = randomOutputs(SIZES, 7, 2).features!.map((level) => Float32Array.from(level));
        levels[1][24 * 6 + 2 * 24 + 5] = value; // image 1, channel 2, row 0, column 5 of a 6 × 4 map
        const given = scene();
        const result = loss.evaluate({
          ...given,
          [net]: { ...given[net], features: upload(device, SIZES, levels) },
        });
        await expect(result.read(), `${value} of the ${net}`).rejects.toThrow(
          /loss_im is not finite at level 1 \(stride 16\), image 1, row 0, column 5: .*features/,
        );
      }
    }
  });

  test('the same bits twice, and everything goes back to the pool', async () => {
    const input = scene();
    const before = device.pool.usedBytes;
    const bits = async () => {
      const result = loss.evaluate(input);
      const values = await Promise.all([result.terms.read(), result.gradients.features!.read()]);
      result.dispose();
      return values;
    };
    expect(await bits()).toEqual(await bits());
    expect(device.pool.usedBytes).toBe(before);
  });
});

test('a bad class logit of the teacher’s is named where it weights', async () => {
  const levels = randomOutputs(SIZES, 7, 2).classLogits.map((level) => Float32Array.from(level));
  levels[1][24 * 4 + 2 * 24 + 5] = NaN;
  const given = scene();
  const teacher = { ...given.teacher, classLogits: upload(device, SIZES, levels) };
  const result = makeHeadLoss(device, SIZES, { imitation: { method: 'score-weighted', weight: 1 } }).evaluate({
    ...given,
    teacher,
  });
  await expect(result.read()).rejects.toThrow(/loss_im.* level 1 .*image 1, row 0, column 5: .*class logits/);
});

test('no boxes are needed, nor distributions', async () => {
  for (const method of ['cwd', 'pkd', 'score-weighted'] as const) {
    const sizes = { ...SIZES, bins: 1 };
    const recipe = { imitation: { method, weight: 1 }, regions: { assigner: 'given' } } as const;
    const loss = makeHeadLoss(device, sizes, recipe);
    const count = sizes.batch * loss.grid.locations;
    const labels = new Int32Array(count).fill(-1);
    const { batch, classes } = sizes;
    const boxes = new Float32Array(4 * count);
    const assignment = assignmentOf(device, { grid: loss.grid, batch, classes, labels, boxes });
    const outputs = (seed: number) => uploadOutputs(device, sizes, randomOutputs(sizes, seed, 2));
    const result = loss.evaluate({ student: outputs(1), teacher: outputs(2), assignment });
    const { terms } = await result.read();
    expect(Math.min(...terms.loss_im), method).toBeGreaterThan(0);
    expect(result.regions().imitation).toBeNull();
  }
  const whole = makeHeadLoss(device, SIZES, resolveRecipe('imitation-whole'));
  const { truth: _, ...outputs } = scene();
  const { batch, classes } = SIZES;
  const count = batch * whole.grid.locations;
  const given = { labels: new Int32Array(count).fill(-1), boxes: new Float32Array(4 * count) };
  const assignment = assignmentOf(device, { grid: whole.grid, batch, classes, ...given });
  expect(() => whole.evaluate({ ...outputs, assignment })).toThrow(/truth: recipe imitation-whole imitates features/);
});
