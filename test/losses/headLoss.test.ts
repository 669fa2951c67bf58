import { describe, expect, test, vi } from 'vitest';
import { HeadLoss } from '../../src/losses/headLoss.js';
import type { HeadLossResult } from '../../src/losses/headResult.js';
import type { PartialRecipe } from '../../src/losses/recipe.js';
import { sharedDevice } from '../device.js';
import { expectClose } from '../reference/closeTo.js';
import { gridLevels } from '../reference/grid.js';
import type { HeadSizes } from '../reference/types.js';
import {
  makeHeadLoss,
  REFERENCE,
  randomOutputs,
  SIZES,
  TRUTHS,
  upload,
  uploadOutputs,
  uploadTruths,
} from './headCase.js';

const device = await sharedDevice();

const makeLoss = (sizes: HeadSizes, recipe: PartialRecipe | string) => makeHeadLoss(device, sizes, recipe);

/** A student, a teacher and a truth on the device. */
function scene(sizes = SIZES, seed = 1) {
  return {
    student: uploadOutputs(device, sizes, randomOutputs(sizes, seed, 2)),
    teacher: uploadOutputs(device, sizes, randomOutputs(sizes, seed + 1000, 2)),
    truth: uploadTruths(device, sizes, TRUTHS),
  };
}

test('normalised by weights, LD does not grow with the batch', async () => {
  const recipe: PartialRecipe = { ld: { main: 1, vlr: 1, normaliser: 'weights' } };
  const one = randomOutputs({ ...SIZES, batch: 1 }, 3, 2);
  const other = randomOutputs({ ...SIZES, batch: 1 }, 4, 2);
  const sum = async (batch: number): Promise<number[]> => {
    const sizes = { ...SIZES, batch };
    const repeat = (levels: readonly ArrayLike<number>[]) =>
      levels.map((level) => Array.from({ length: batch }, () => Array.from(level)).flat());
    const outputs = (o: typeof one) => ({ classLogits: repeat(o.classLogits), boxLogits: repeat(o.boxLogits) });
    const truth = uploadTruths(
      device,
      sizes,
      Array.from({ length: batch }, () => TRUTHS[0]),
    );
    const student = uploadOutputs(device, sizes, outputs(one));
    const teacher = uploadOutputs(device, sizes, outputs(other));
    const { terms } = await makeLoss(sizes, recipe).evaluate({ student, teacher, truth }).read();
    return [terms.loss_ld, terms.loss_ld_vlr].map((levels) => levels.reduce((total, term) => total + term, 0));
  };
  expectClose(await sum(3), await sum(1), { relative: 1e-5 });
});

test('distillation 0 runs no pass that distils and reads nothing of the teacher', async () => {
  const { student, teacher, truth } = scene();
  const broken = randomOutputs(SIZES, 2000, Number.NaN);
  const recipe: PartialRecipe = { ...REFERENCE, iouLd: { weight: 4, region: 'main' }, box: { bounded: 1 } };
  const run = vi.spyOn(device, 'run');
  const kernelsOf = (record: () => HeadLossResult) => {
    run.mockClear();
    return { result: record(), names: run.mock.calls.map(([{ kernel }]) => kernel.name) };
  };
  const taught = kernelsOf(() => makeLoss(SIZES, recipe).evaluate({ student, teacher, truth }));
  for (const name of ['head KD', 'head LD', 'head IoU']) expect(taught.names.join()).toContain(name);
  const plain = kernelsOf(() => makeLoss(SIZES, 'gfocal').evaluate({ student, truth }));
  const off = kernelsOf(() =>
    makeLoss(SIZES, recipe).evaluate({
      student,
      teacher: uploadOutputs(device, SIZES, broken),
      truth,
      distillation: 0,
    }),
  );
  run.mockRestore();
  expect(off.names).toEqual(plain.names);
  expect(await off.result.read()).toEqual(await plain.result.read());
  for (const name of ['classLogits', 'boxLogits'] as const) {
    expect(await off.result.gradients[name].read()).toEqual(await plain.result.gradients[name].read());
  }
  for (const { result } of [taught, plain, off]) result.dispose();
});

test('the same inputs give the same bits', async () => {
  const loss = makeLoss(SIZES, 'main-kd+main-ld+vlr-ld+imitation-gibox');
  const bits = async () => {
    const { terms, gradients, dispose } = loss.evaluate(scene());
    const read = [terms, gradients.classLogits, gradients.boxLogits].map((tensor) => tensor.read());
    const values = await Promise.all(read);
    dispose();
    return values.map((array) => Array.from(new Uint32Array(array.buffer)));
  };
  expect(await bits()).toEqual(await bits());
});

test('everything goes back to the pool', () => {
  const loss = makeLoss(SIZES, 'main-kd+main-ld+vlr-ld+imitation-gibox');
  const input = scene();
  const before = device.pool.usedBytes;
  loss.evaluate(input).dispose();
  expect(device.pool.usedBytes).toBe(before);
});

describe('bad input is named', () => {
  const evaluate = (change: (s: ReturnType<typeof scene>) => object, recipe: string | PartialRecipe = REFERENCE) =>
    makeLoss(SIZES, recipe).evaluate({ ...scene(), ...change(scene()) });

  test('NaN logits: term, level and image', async () => {
    const host = randomOutputs(SIZES, 1, 2);
    const spoiled = Array.from(host.classLogits[1]);
    spoiled[24 * 4 + 30] = Number.NaN; // image 1, class 1, row 1, column 0 of a 6 × 4 map
    const classLogits = upload(device, SIZES, [host.classLogits[0], spoiled, host.classLogits[2]]);
    const result = evaluate((s) => ({ student: { ...s.student, classLogits } }));
    await expect(result.read()).rejects.toThrow(
      /loss_cls.*level 1 \(stride 16\), image 1, row 1, column 0.*class logits/,
    );
  });

  test('infinite box logits of the teacher', async () => {
    const host = randomOutputs(SIZES, 1001, 2);
    const spoiled = host.boxLogits.map((level) => Array.from(level).fill(Number.POSITIVE_INFINITY));
    const boxLogits = upload(device, SIZES, spoiled);
    const result = evaluate((s) => ({ teacher: { ...s.teacher, boxLogits } }));
    await expect(result.read()).rejects.toThrow(/loss_ld is not finite at level 0.*teacher's box logits/);
  });

  test.each(
    ['student', 'teacher'].flatMap((net) =>
      ['classLogits', 'boxLogits'].flatMap((logits) =>
        [NaN, Infinity].flatMap((value) => [0, -1].map((channel) => [net, logits, value, channel] as const)),
      ),
    ),
  )('of the %s, %s that are %d in channel %d', async (net, logits, value, channel) => {
    const spoiled = randomOutputs(SIZES, 7, 2)[logits as 'boxLogits'].map((drawn, l) => {
      const level = Float32Array.from(drawn);
      const area = gridLevels(SIZES)[l].anchors.length;
      const channels = level.length / (SIZES.batch * area);
      for (let image = 0; image < SIZES.batch; image++) {
        const start = (image * channels + ((channel + channels) % channels)) * area;
        level.fill(value, start, start + area);
      }
      return level;
    });
    for (const form of ['softmax', 'binary'] as const) {
      const result = evaluate(
        (s) => ({ [net]: { ...s[net as 'student'], [logits]: upload(device, SIZES, spoiled) } }),
        { ...REFERENCE, kd: { main: 10, form } },
      );
      await expect(result.read()).rejects.toThrow(/is not finite/);
    }
  });

  test('a teacher with other bins', () => {
    const other = { ...SIZES, bins: 17 };
    const boxLogits = upload(device, other, randomOutputs(other, 2, 1).boxLogits);
    expect(() => evaluate((s) => ({ teacher: { ...s.teacher, boxLogits } }))).toThrow(
      /teacher\.boxLogits: 68 channels.*5 bins/,
    );
  });

  test('a teacher with other classes', () => {
    const other = { ...SIZES, classes: 7 };
    const classLogits = upload(device, other, randomOutputs(other, 2, 1).classLogits);
    expect(() => evaluate((s) => ({ teacher: { ...s.teacher, classLogits } }))).toThrow(
      /teacher\.classLogits: 7 channels.*4/,
    );
  });

  test('a teacher with other strides', () => {
    const other = { ...SIZES, strides: [8, 16] };
    const teacher = uploadOutputs(device, other, randomOutputs(other, 2, 1));
    expect(() => evaluate(() => ({ teacher }))).toThrow(/teacher\.classLogits: its levels.*strides/);
  });

  test('no teacher, no features', () => {
    const loss = makeLoss(SIZES, 'main-ld');
    const { student, truth } = scene();
    expect(() => loss.evaluate({ student, truth })).toThrow(/teacher: recipe main-ld distils/);
    const bare = { classLogits: student.classLogits, boxLogits: student.boxLogits };
    expect(() => evaluate(() => ({ student: bare }), 'imitation-whole')).toThrow(/student\.features/);
  });

  test('options', () => {
    expect(() => makeLoss({ ...SIZES, bins: 0 }, 'gfocal')).toThrow(/bins: 0/);
    expect(() => makeLoss({ ...SIZES, bins: 65 }, 'gfocal')).toThrow(/bins: 65/);
    expect(() => makeLoss({ ...SIZES, classes: 0 }, 'gfocal')).toThrow(/classes: 0/);
    expect(() => makeLoss({ ...SIZES, batch: 1.5 }, 'gfocal')).toThrow(/batch: 1.5/);
    const options = { ...SIZES, imageSize: SIZES, recipe: 'gfocal' };
    expect(() => new HeadLoss(device, { ...options, centreOffset: 2 })).toThrow(/centreOffset is 2/);
    expect(new HeadLoss(device, { ...options, centreOffset: 0.5 }).recipe.regions.centreOffset).toBe(0.5);
  });
});
