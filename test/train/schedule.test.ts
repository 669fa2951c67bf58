import { expect, test } from 'vitest';
import { learningRateAt, type ScheduleSettings } from '../../src/train/schedule.js';

const settings: ScheduleSettings = { learningRate: 0.01, warmupSteps: 500, schedule: 'step' };

test('the warm-up rises linearly from a thousandth of the learning rate', () => {
  expect(learningRateAt(settings, 0, 12_000)).toBeCloseTo(1e-5, 12);
  expect(learningRateAt(settings, 250, 12_000)).toBeCloseTo(0.01 * (0.5 + 0.5 * 0.001), 12);
  expect(learningRateAt(settings, 500, 12_000)).toBe(0.01);
});

test('the step schedule drops at 8/12 and 11/12', () => {
  expect(learningRateAt(settings, 7_999, 12_000)).toBe(0.01);
  expect(learningRateAt(settings, 8_000, 12_000)).toBeCloseTo(1e-3, 12);
  expect(learningRateAt(settings, 10_999, 12_000)).toBeCloseTo(1e-3, 12);
  expect(learningRateAt(settings, 11_000, 12_000)).toBeCloseTo(1e-4, 12);
});

test('the cosine falls to a half in the middle and to nothing at the end; constant stays', () => {
  const cosine = { ...settings, warmupSteps: 0, schedule: 'cosine' } as const;
  expect(learningRateAt(cosine, 0, 100)).toBe(0.01);
  expect(learningRateAt(cosine, 50, 100)).toBeCloseTo(0.005, 12);
  expect(learningRateAt(cosine, 100, 100)).toBeCloseTo(0, 12);
  expect(learningRateAt({ ...settings, warmupSteps: 0, schedule: 'constant' }, 99, 100)).toBe(0.01);
});
