import { expect, test } from 'vitest';
import { differencesFigure } from '../../src/report/figures/differences.js';
import type { StudyRow, StudyTable } from '../../src/study/types.js';

const difference = (mean: number, interval: [number, number] | null) => ({ n: 3, mean, interval });
const rowOf = (method: string, gain: ReturnType<typeof difference> | null): StudyRow => {
  const AP = { n: 3, mean: 0.4, deviation: 0.01, difference: gain };
  const figures = { AP, AP75: null } as unknown as StudyRow['figures'];
  return { method, size: 'tiny', teacher: 't', isBaseline: gain === null, n: 3, figures, classes: {} };
};
const table = (rows: StudyRow[]): StudyTable => ({ title: 'Methods', baseline: 'none', rows });

test('the gain of each method over the first, with its interval; what has no figure has no panel', () => {
  const rows = [
    rowOf('none', null),
    rowOf('LD', difference(0.051, [0.02, 0.069])),
    rowOf('CWD', difference(-0.004, null)),
  ];
  const figure = differencesFigure([table(rows)]);
  expect(figure?.panels.map(({ title }) => title)).toEqual(['Methods: AP']);
  expect(figure?.panels[0].label).toBe('Points of AP more than none: LD +5.1 (+2.0 to +6.9), CWD −0.4 (−0.4 to −0.4)');
  const body = String(figure?.panels[0].body);
  for (const text of ['LD', 'CWD', 'AP more than none, points']) expect(body).toContain(text);
});

test('one method beside the first needs no picture', () => {
  expect(differencesFigure([table([rowOf('none', null), rowOf('LD', difference(0.05, null))])])).toBeNull();
  expect(differencesFigure([])).toBeNull();
});
