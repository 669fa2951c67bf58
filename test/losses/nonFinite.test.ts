import { describe, expect, test } from 'vitest';
import { Variable } from '../../src/autograd/variable.js';
import { distributionFocalLoss } from '../../src/losses/dfl.js';
import { classDistillation } from '../../src/losses/kd.js';
import { temperatureKL } from '../../src/losses/ld.js';
import { localizationLosses } from '../../src/losses/localizationLosses.js';
import { sharedDevice } from '../device.js';
import { makeHeadLoss, randomOutputs, SIZES, TRUTHS, uploadOutputs, uploadTruths } from './headCase.js';

// Some adapters' exp(NaN), max(NaN, x) and min(NaN, x) are numbers: a kernel has to see NaN before it disappears.
const device = await sharedDevice();
const COLUMNS = 5;
const row = (columns = COLUMNS) => Float32Array.from({ length: columns }, (_, k) => Math.sin(k + 1));

/** Losses of two rows, student's and teacher's. */
const LOSSES: Record<string, (student: Variable, teacher: Float32Array) => Variable> = {
  'temperature KL': (student, teacher) => temperatureKL(student, device.tensor(teacher, [1, COLUMNS])),
  'binary KL': (student, teacher) =>
    classDistillation(student, device.tensor(teacher, [1, COLUMNS]), { form: 'binary' }),
  'LD of localizationLosses': (student, teacher) =>
    localizationLosses(student, { teacher: device.tensor(teacher, [1, COLUMNS]), distances: device.tensor([2.3]) })
      .total,
};

async function lossOf(name: string, student: Float32Array, teacher: Float32Array): Promise<number> {
  const loss = LOSSES[name](new Variable(device.tensor(student, [1, COLUMNS]), true), teacher);
  return Number((await loss.value.read())[0]);
}

describe.each(Object.keys(LOSSES))('%s', (name) => {
  test.each([NaN, Infinity])('%d is not lost', async (value) => {
    for (let k = 0; k < COLUMNS; k++) {
      const spoiled = row();
      spoiled[k] = value;
      expect(await lossOf(name, spoiled, row()), `student's ${k}`).not.toSatisfy(Number.isFinite);
      expect(await lossOf(name, row(), spoiled), `teacher's ${k}`).not.toSatisfy(Number.isFinite);
    }
    expect(await lossOf(name, row(), row())).toSatisfy(Number.isFinite);
  });
});

test('DFL of NaN or infinity', async () => {
  for (const value of [NaN, Infinity]) {
    for (let k = 0; k < COLUMNS; k++) {
      const spoiled = row();
      spoiled[k] = value;
      const student = new Variable(device.tensor(spoiled, [1, COLUMNS]), true);
      expect(
        (await distributionFocalLoss(student, device.tensor([2.3])).value.read())[0],
        `${value} at ${k}`,
      ).not.toSatisfy(Number.isFinite);
    }
  }
});

describe('distillation at all locations', () => {
  const boxes = { iouLd: { weight: 4 } } as const;
  const kinds = { iou: boxes, bckd: { ...boxes, kd: { all: 1, form: 'focal-binary', normaliser: 'images' } } } as const;
  /** An element of the third level (one of no whole quads) and of the first, image 1, of what the nets say. */
  const places = [
    { level: 0, cell: 17, where: 'level 0 \\(stride 8\\), image 1, row 1, column 5' },
    { level: 2, cell: 4, where: 'level 2 \\(stride 32\\), image 1, row 1, column 1' },
  ];

  test.each(Object.entries(kinds))('%s: what is no number is told with its place', async (_name, recipe) => {
    const headLoss = makeHeadLoss(device, SIZES, recipe);
    const spoilt = (
      seed: number,
      kind: 'classLogits' | 'boxLogits' | null,
      { level, cell }: (typeof places)[number],
    ) => {
      const outputs = randomOutputs(SIZES, seed, 2);
      if (kind) {
        const map = outputs[kind][level] as Float32Array;
        const area = [96, 24, 6][level];
        const channels = map.length / (2 * area);
        map[(channels + 2) * area + cell] = NaN;
      }
      return uploadOutputs(device, SIZES, outputs);
    };
    const truth = uploadTruths(device, SIZES, TRUTHS);
    for (const place of places) {
      for (const kind of ['classLogits', 'boxLogits'] as const) {
        for (const net of ['student', 'teacher']) {
          const result = headLoss.evaluate({
            student: spoilt(1, net === 'student' ? kind : null, place),
            teacher: spoilt(2, net === 'teacher' ? kind : null, place),
            truth,
          });
          await expect(result.read(), `${net}'s ${kind}`).rejects.toThrow(new RegExp(`not finite at ${place.where}`));
          result.dispose();
        }
      }
    }
  });
});
