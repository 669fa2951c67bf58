import { describe, expect, test } from 'vitest';
import { Variable } from '../../src/autograd/variable.js';
import { distributionFocalLoss } from '../../src/losses/dfl.js';
import { classDistillation } from '../../src/losses/kd.js';
import { temperatureKL } from '../../src/losses/ld.js';
import { localizationLosses } from '../../src/losses/localizationLosses.js';
import { sharedDevice } from '../device.js';

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
