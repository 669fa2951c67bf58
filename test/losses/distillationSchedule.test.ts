import { expect, test } from 'vitest';
import { distillationAt } from '../../src/losses/distillationSchedule.js';
import { resolveRecipe } from '../../src/losses/recipe.js';

const at = (distillation: object, step: number, total: number) =>
  distillationAt(resolveRecipe({ distillation }), step, total);

test('constant unless a recipe says otherwise', () => {
  for (const step of [0, 50, 99]) expect(at({}, step, 100)).toBe(1);
});

test('half a cosine from 1 to the end (YOLOv6, loss_distill.py: ((1 − cos πe/E)/2)(0.01 − 1) + 1)', () => {
  const cosine = { schedule: 'cosine' };
  expect(at(cosine, 0, 100)).toBe(1);
  expect(at(cosine, 50, 100)).toBeCloseTo(0.505, 12);
  expect(at({ ...cosine, end: 0.1 }, 50, 100)).toBeCloseTo(0.55, 12);
  for (const [step, end] of [
    [13, 0.01],
    [87, 0.1],
  ] as const) {
    const theirs = ((1 - Math.cos((Math.PI * step) / 100)) / 2) * (end - 1) + 1;
    expect(at({ ...cosine, end }, step, 100)).toBeCloseTo(theirs, 12);
  }
});

test('it rises from the first step on, and is off in the last', () => {
  const both = { warmup: 0.1, off: 0.2 };
  expect([0, 4, 9, 10].map((step) => at(both, step, 100))).toEqual([0.1, 0.5, 1, 1]);
  expect([79, 80, 99].map((step) => at(both, step, 100))).toEqual([1, 0, 0]);
  expect(at({ off: 1 }, 0, 1)).toBe(0);
});

test('steps that are none', () => {
  expect(() => at({}, 100, 100)).toThrow(/^step: 100; expected an integer from 0 to 99/);
  expect(() => at({}, 0.5, 100)).toThrow(/^step: 0.5/);
  expect(() => at({}, 0, 0)).toThrow(/^total: 0; expected a number of steps/);
});
