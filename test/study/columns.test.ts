import { expect, test } from 'vitest';
import { columnsOf } from '../../src/study/columns.js';
import { tableCells } from '../../src/study/markdown.js';
import type { Figure, FigureName, StudyRow, StudyTable } from '../../src/study/types.js';

const figure = (mean: number, difference: Figure['difference'] = null): Figure => ({
  n: 2,
  mean,
  deviation: 0.0125,
  difference,
});

function row(method: string, figures: Partial<StudyRow['figures']>, classes: StudyRow['classes']): StudyRow {
  const none = { AP: null, AP50: null, AP75: null, APs: null, APm: null, APl: null };
  const all: Record<FigureName, Figure | null> = {
    ...none,
    localizationError: null,
    classificationError: null,
    totalVariation: null,
    ...figures,
  };
  return { method, size: 'tiny', teacher: null, isBaseline: false, n: 2, figures: all, classes };
}

const table: StudyTable = {
  title: 'Two',
  baseline: 'plain',
  rows: [
    row('plain', { AP: figure(0.4), localizationError: figure(0.25) }, { cell: figure(0.5) }),
    row('LD', { AP: figure(0.36, { n: 2, mean: -0.04, interval: [-0.05, 0.0301] }) }, { constructor: figure(0.125) }),
  ],
};

test('columns without a figure are left out; classes stand between the averages and the distances', () => {
  expect(tableCells(table)).toEqual([
    ['method', 'student', 'teacher', 'n', 'AP', 'ΔAP', 'cell', 'constructor', 'edge error'],
    ['plain', 'tiny', '–', '2', '40.0 ± 1.3', '–', '50.0 ± 1.3', '–', '0.250 ± 0.013'],
    ['LD', 'tiny', '–', '2', '36.0 ± 1.3', '−4.0 [−5.0, +3.0]', '–', '12.5 ± 1.3', '–'],
  ]);
});

test('data of many classes have no column for each', () => {
  const classes = (n: number) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`class ${i}`, figure(0.5)]));
  const labels = (n: number) => columnsOf([row('all', { AP: figure(0.5) }, classes(n))]).map(({ label }) => label);
  expect(labels(6)).toHaveLength(7);
  expect(labels(7)).toEqual(['AP']);
});
