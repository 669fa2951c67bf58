/** CrossKD: two losses that share an assignment; each term is that of one of them. */
import { expect, test } from 'vitest';
import { TERM_NAMES } from '../../src/losses/headTerms.js';
import { type PartialRecipe, resolveRecipe } from '../../src/losses/recipe.js';
import { sharedDevice } from '../device.js';
import { expectClose } from '../reference/closeTo.js';
import { headLossOracle } from '../reference/headLoss.js';
import type { HeadSizes } from '../reference/types.js';
import { makeHeadLoss, randomOutputs, SIZES, TRUTHS, uploadOutputs, uploadTruths } from './headCase.js';

const device = await sharedDevice();

const flat = (levels: readonly ArrayLike<number>[]) => levels.flatMap((level) => Array.from(level));
const FIELDS = ['classLogits', 'boxLogits'] as const;

/** The student's head has SIZES' bins, the teacher's others. */
const TEACHER: HeadSizes = { ...SIZES, bins: 7 };
const [student, teacher, cross] = [
  randomOutputs(SIZES, 1, 2),
  randomOutputs(TEACHER, 2, 2),
  randomOutputs(TEACHER, 3, 2),
];
const ALL: PartialRecipe = { ...resolveRecipe('crosskd'), iouLd: { weight: 2, normaliser: 'positives' } };
const REGIONS: PartialRecipe = {
  ...resolveRecipe('main-kd+main-ld+vlr-ld'),
  name: 'regions',
  cross: { convolutions: 1 },
  imitation: { method: 'inside', weight: 2 },
};

function evaluate(recipe: PartialRecipe, more: object = {}) {
  const loss = makeHeadLoss(device, SIZES, recipe, { bins: TEACHER.bins });
  const { features: _, ...crossed } = uploadOutputs(device, TEACHER, cross);
  const input = {
    student: uploadOutputs(device, SIZES, student),
    teacher: uploadOutputs(device, TEACHER, teacher),
    cross: crossed,
    truth: uploadTruths(device, SIZES, TRUTHS),
  };
  return { loss, input, result: loss.evaluate({ ...input, ...more }) };
}

test.each([
  ['all locations', ALL],
  ['regions, and features of the own net', REGIONS],
])('terms and gradients are those of two oracles: %s', async (_name, partial) => {
  const recipe = resolveRecipe(partial);
  const { result } = evaluate(recipe);
  const none = { main: 0, vlr: 0, all: 0 };
  const undistilled = resolveRecipe({
    ...recipe,
    cross: { convolutions: 0 },
    kd: { ...recipe.kd, ...none },
    ld: { ...recipe.ld, ...none },
    iouLd: { ...recipe.iouLd, weight: 0 },
  });
  const own = headLossOracle({ student, teacher, truth: TRUTHS, sizes: SIZES, recipe: undistilled });
  const distilled = resolveRecipe({
    ...recipe,
    cross: { convolutions: 0 },
    classification: { ...recipe.classification, weight: 0 },
    box: { ...recipe.box, weight: 0 },
    dfl: { ...recipe.dfl, weight: 0 },
    imitation: { weight: 0 },
  });
  const other = headLossOracle({ student: cross, teacher, truth: TRUTHS, sizes: TEACHER, recipe: distilled });
  const { terms, total } = await result.read();
  const tolerance = { relative: 2e-5, absolute: 1e-7 };
  for (const name of TERM_NAMES) {
    const expected = own.terms[name].map((term, level) => term + other.terms[name][level]);
    expectClose(terms[name], expected, tolerance, name);
  }
  expectClose([total], [own.total + other.total], tolerance, 'total');
  for (const field of FIELDS) {
    for (const [actual, wanted] of [
      [result.gradients[field], own.gradients[field]],
      [result.gradients.cross![field], other.gradients[field]],
    ] as const) {
      const expected = flat(wanted);
      const largest = Math.max(...expected.map(Math.abs));
      expect(largest).toBeGreaterThan(0);
      expectClose(await actual.read(), expected, { absolute: 2e-5 * largest }, field);
    }
  }
  result.dispose();
});

test('a fault in the crossed logits is named; without distillation they are not needed', async () => {
  const broken = { ...cross, classLogits: cross.classLogits.map((level) => Float32Array.from(level)) };
  broken.classLogits[1][3] = Number.NaN;
  const { features: _, ...crossed } = uploadOutputs(device, TEACHER, broken);
  const { result } = evaluate(ALL, { cross: crossed });
  await expect(result.read()).rejects.toThrow(/^loss_(ld|kd) is not finite at level 1 \(stride 16\), image 0/);
  const { input } = evaluate(ALL);
  const { cross: __, ...rest } = input;
  const off = makeHeadLoss(device, SIZES, ALL, { bins: TEACHER.bins }).evaluate({ ...rest, distillation: 0 });
  expect(off.gradients.cross).toBeNull();
  expect((await off.read()).terms.loss_kd).toEqual([0, 0, 0]);
  const given = makeHeadLoss(device, SIZES, ALL, { bins: TEACHER.bins });
  const unread = given.evaluate({ ...rest, cross: crossed, distillation: 0 });
  expect(unread.gradients.cross).toBeNull();
  expect(await unread.read()).toEqual(await off.read());
});

test('what does not fit is refused', () => {
  const { input } = evaluate(ALL);
  const { cross: _, ...rest } = input;
  const loss = makeHeadLoss(device, SIZES, ALL, { bins: TEACHER.bins });
  expect(() => loss.evaluate(rest)).toThrow(/^cross: recipe crosskd distils what the teacher's head makes/);
  expect(() => makeHeadLoss(device, SIZES, 'bckd').evaluate({ ...input, teacher: input.student })).toThrow(
    /^cross: recipe bckd does not use it/,
  );
  const own = uploadOutputs(device, SIZES, student);
  expect(() => loss.evaluate({ ...input, cross: own })).toThrow(/boxLogits/);
  expect(() => makeHeadLoss(device, SIZES, ALL, { strides: [16, 32, 64] })).toThrow(
    /^teacher: recipe crosskd puts the student's features through the teacher's head .* need the same strides/,
  );
  expect(() => resolveRecipe({ cross: { convolutions: 1 } })).toThrow(
    /cross\.convolutions is 1 but nothing is distilled/,
  );
});
