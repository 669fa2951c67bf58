/** The head loss of an assignment that the caller gives. */
import { expect, test } from 'vitest';
import type { HeadLossResult } from '../../src/losses/headResult.js';
import { TERM_NAMES } from '../../src/losses/headTerms.js';
import { type PartialRecipe, resolveRecipe } from '../../src/losses/recipe.js';
import { assignmentOf } from '../../src/regions/given.js';
import { taskAligned } from '../../src/regions/taskAligned.js';
import { sharedDevice } from '../device.js';
import { expectClose } from '../reference/closeTo.js';
import { headLossOracle } from '../reference/headLoss.js';
import { makeHeadLoss, randomOutputs, SIZES, TRUTHS, uploadOutputs, uploadTruths } from './headCase.js';

const device = await sharedDevice();
const RECIPE: PartialRecipe = {
  ...resolveRecipe('yolov8+ld'),
  name: 'given',
  regions: { assigner: 'given', centreOffset: 0.5 },
  ld: { main: 1.5, vlr: 0.5, weights: 'target-score', normaliser: 'scores' },
  scale: 'none',
};
const [student, teacher] = [randomOutputs(SIZES, 1, 2), randomOutputs(SIZES, 1001, 2)];
const outputs = () => ({
  student: uploadOutputs(device, SIZES, student),
  teacher: uploadOutputs(device, SIZES, teacher),
});

async function valuesOf({ gradients, ...result }: HeadLossResult) {
  const { classLogits, boxLogits } = gradients;
  return Promise.all([result.read(), classLogits.read(), boxLogits.read()]);
}

test('losses and gradients are those of the oracle', async () => {
  const loss = makeHeadLoss(device, SIZES, RECIPE);
  const { locations } = loss.grid;
  const images = TRUTHS.map(({ boxes, labels }, image) => {
    const label = new Int32Array(locations).fill(-1);
    const truthIndex = new Int32Array(locations).fill(-1);
    const score = new Float64Array(locations);
    const vlr = new Float64Array(locations);
    boxes.forEach((_, object) => {
      for (const cell of [17, 21, 101].map((first) => first + 2 * object + image)) {
        [label[cell], truthIndex[cell], score[cell]] = [labels[object], object, 0.25 + 0.1 * object];
        vlr[cell + 30] = 0.5;
      }
    });
    return { state: truthIndex.map((own) => (own < 0 ? 0 : 1)), label, truthIndex, score, vlr };
  });
  const flat = <T>(part: (image: (typeof images)[number]) => ArrayLike<T>) =>
    images.flatMap((one) => Array.from(part(one)));
  const given = images.map(({ state, ...rest }) => ({ ...rest, state: Int8Array.from(state) }));
  const recipe = resolveRecipe(RECIPE);
  const expected = headLossOracle({ student, teacher, truth: TRUTHS, sizes: SIZES, recipe, given });
  const assignment = assignmentOf(device, {
    grid: loss.grid,
    batch: SIZES.batch,
    classes: SIZES.classes,
    labels: flat(({ label }) => label),
    scores: flat(({ score }) => score),
    vlr: flat(({ vlr }) => vlr),
    boxes: images.flatMap(({ truthIndex }, image) =>
      Array.from(truthIndex).flatMap((own) => (own < 0 ? [0, 0, 0, 0] : TRUTHS[image].boxes[own])),
    ),
  });
  const result = loss.evaluate({ ...outputs(), assignment });
  const [{ terms, total }, classGradient, boxGradient] = await valuesOf(result);
  const tolerance = { relative: 2e-5, absolute: 1e-7 };
  for (const name of TERM_NAMES) expectClose(terms[name], expected.terms[name], tolerance, name);
  expectClose([total], [expected.total], tolerance, 'total');
  const { gradients } = expected;
  for (const [own, wanted] of [
    [classGradient, gradients.classLogits.flatMap((level) => Array.from(level))],
    [boxGradient, gradients.boxLogits.flatMap((level) => Array.from(level))],
  ] as const) {
    const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(largest).toBeGreaterThan(0);
    expectClose(own, wanted, { absolute: 2e-5 * largest }, 'gradient');
  }

  // It is the caller's: it serves again.
  result.dispose();
  const again = loss.evaluate({ ...outputs(), assignment });
  expect((await again.read()).total).toBe(total);
  again.dispose();
  assignment.dispose();
});

test("an assigner's own assignment gives what the truth gives, bit for bit", async () => {
  const recipe = resolveRecipe('yolov8+ld');
  const loss = makeHeadLoss(device, SIZES, recipe);
  const { student, teacher } = outputs();
  const truth = uploadTruths(device, SIZES, TRUTHS);
  const assignment = taskAligned(loss.grid, truth, student, { ...recipe.taskAligned, bins: SIZES.bins });
  const given = await valuesOf(loss.evaluate({ student, teacher, assignment }));
  expect(given).toEqual(await valuesOf(loss.evaluate({ student, teacher, truth })));
});

test('what does not fit is named before anything is recorded', () => {
  const loss = makeHeadLoss(device, SIZES, RECIPE);
  const { grid } = loss;
  const { batch, classes } = SIZES;
  const make = (size: { batch: number; classes: number }) => {
    const count = size.batch * grid.locations;
    return assignmentOf(device, { grid, ...size, labels: new Int32Array(count), boxes: new Float32Array(4 * count) });
  };
  const { dispatches } = device;
  expect(() => loss.evaluate({ ...outputs(), truth: uploadTruths(device, SIZES, TRUTHS) })).toThrow(
    /assignment: recipe given takes the caller's; give what assignmentOf makes/,
  );
  expect(() => loss.evaluate(outputs())).toThrow(/^truth: /);
  expect(device.dispatches).toBe(dispatches);
  expect(() => loss.evaluate({ ...outputs(), assignment: make({ batch, classes: classes + 1 }) })).toThrow(
    `assignment: made for ${batch} images and ${classes + 1} classes; expected ${batch} and ${classes}.`,
  );
  const other = makeHeadLoss(device, { ...SIZES, width: 64 }, RECIPE);
  const narrow = { ...SIZES, width: 64 };
  const input = {
    student: uploadOutputs(device, narrow, randomOutputs(narrow, 1, 1)),
    teacher: uploadOutputs(device, narrow, randomOutputs(narrow, 2, 1)),
  };
  expect(() => other.evaluate({ ...input, assignment: make(SIZES) })).toThrow(
    `assignment: made for ${grid.locations} locations an image; this head has ${other.grid.locations}.`,
  );
});
