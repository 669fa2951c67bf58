import { expect, test, vi } from 'vitest';
import { progressReporter } from '../../src/cli/progress.js';
import { TERM_NAMES, type TermName } from '../../src/losses/headTerms.js';
import type { TrainProgress } from '../../src/train/progress.js';

const terms = Object.fromEntries(TERM_NAMES.map((name, i) => [name, i < 2 ? i + 1 : 0])) as Record<TermName, number>;
const step: TrainProgress = {
  kind: 'step',
  epoch: 1,
  epochs: 2,
  step: 10,
  steps: 100,
  learningRate: 0.01,
  loss: 3,
  terms,
  gradientNorm: 1,
  imagesPerSecond: 12.34,
  secondsLeft: 3700,
};
const epoch: TrainProgress = {
  kind: 'epoch',
  epoch: 1,
  epochs: 2,
  step: 50,
  learningRate: 0.01,
  loss: 3,
  terms,
  imagesPerSecond: 12.34,
  seconds: 75,
  evaluation: { AP: 0.321, AP50: 0.5, AP75: 0.25 },
};

/** A stream that keeps what is written. */
function stream(isTTY: boolean) {
  let text = '';
  const write = (chunk: string) => {
    text += chunk;
    return true;
  };
  const fake = { isTTY, columns: 200, write, on: () => fake, cursorTo: () => true, clearLine: () => true };
  return { fake: fake as unknown as NodeJS.WriteStream, text: () => text };
}

test('where there is no terminal, a line every few seconds tells of steps and evaluations; epochs and warnings always', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const { fake, text } = stream(false);
  const reporter = progressReporter(fake);
  reporter.report(step);
  reporter.report(step);
  reporter.report({ kind: 'evaluation', done: 1, of: 2 });
  reporter.report({ kind: 'warning', message: 'a file is damaged' });
  vi.advanceTimersByTime(6000);
  reporter.report({ kind: 'evaluation', done: 2, of: 2 });
  reporter.report(epoch);
  reporter.stop();
  vi.useRealTimers();
  const losses = 'loss 3.000 (cls 1.000, bbox 2.000)';
  expect(text().split('\n')).toEqual([
    `epoch 1/2  10/100 steps  12.3 images/s  ${losses}  1:01:40 left`,
    'a file is damaged',
    'evaluation 2/2 images',
    `epoch 1/2  ${losses}  12.3 images/s  1:15  AP 32.1  AP50 50.0  AP75 25.0`,
    '',
  ]);
});

test('on a terminal a bar shows images a second, terms and time left', () => {
  const { fake, text } = stream(true);
  const reporter = progressReporter(fake);
  reporter.report(step);
  reporter.stop();
  expect(text()).toContain('10/100 steps  12.3 images/s  loss 3.000 (cls 1.000, bbox 2.000)  1:01:40 left');
  reporter.report({ kind: 'evaluation', done: 1, of: 2 });
  reporter.stop();
  expect(text()).toContain('1/2 images');
});

test('kernels are told of while they are compiled', () => {
  const { fake, text } = stream(false);
  const { report } = progressReporter(fake);
  for (const done of [0, 1, 2]) report({ kind: 'compilation', done, of: 2 });
  expect(text()).toBe('compiling kernels (0 of 2)\n');
  const terminal = stream(true);
  progressReporter(terminal.fake).report({ kind: 'compilation', done: 1, of: 2 });
  expect(terminal.text()).toContain('compiling kernels (1 of 2)');
});
