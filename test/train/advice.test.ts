import { expect, test } from 'vitest';
import { adviceOn } from '../../src/train/advice.js';
import type { LogEntry } from '../../src/train/logEntry.js';

const logOf = (aps: (number | null)[]): LogEntry[] =>
  aps.map((AP, i) => ({
    ...{ epoch: i + 1, step: i + 1, learningRate: 0.1, loss: 1, terms: {} as LogEntry['terms'] },
    ...{ imagesPerSecond: 1, seconds: 1 },
    ...(AP !== null && { evaluation: { AP } }),
  }));
const advice = (aps: (number | null)[], isGiven = false, warmupSteps = 10) =>
  adviceOn(logOf(aps), { isGiven, steps: 51, warmupSteps });

test('near zero, what to do depends on where it began', () => {
  expect(advice([0, 0.004])).toMatch(
    /^AP is still 0\.4 after 2 epochs: train longer \(--epochs 6\), .*--init.* fewer classes\.$/,
  );
  expect(advice([0.01], true)).toMatch(/^AP is still 1\.0 after 1 epoch: .*mapping/);
  expect(advice([0.01])).not.toMatch(/\n/);
});

test('still rising: by the gain of the last quarter, where the end is best', () => {
  expect(advice([0.1, 0.2, 0.25, 0.3])).toBe(
    'AP was still rising, from 25.0 to 30.0 in the last epoch: train longer (--epochs 8).',
  );
  expect(advice([0.1, null, 0.2, null, null, null, null, 0.3])).toMatch(/from 20\.0 to 30\.0 in the last 5 epochs/);
  expect(advice([0.1, 0.2, 0.29, 0.3])).toBeNull();
  expect(advice([0.1, 0.4, 0.2, 0.3])).toBeNull();
});

test('nothing to say: no evaluation, no objects, one evaluation of some AP', () => {
  for (const aps of [[], [null, null], [-1, -1], [0.3]]) expect(advice(aps)).toBeNull();
});

test('a warm-up of more than half of the steps', () => {
  const line = (steps: number, fit: number) =>
    `The learning rate was still rising for ${steps} of 51 steps: give a shorter warm-up (--warmup-steps ${fit}).`;
  expect(advice([0.058], true, 100)).toBe(line(51, 6));
  expect(advice([0.3, 0.1], false, 26)).toBe(line(26, 6));
  expect(advice([0.3, 0.1], false, 25)).toBeNull();
  expect(advice([0.01], true, 100)).toMatch(/^AP is still 1\.0 .* give a shorter warm-up \(--warmup-steps 6\), see/);
});
