import fc from 'fast-check';
import { expect, test } from 'vitest';
import { describeResults } from '../../src/study/markdown.js';
import type { StudyResults } from '../../src/study/types.js';
import { anyName, HARMFUL } from '../util/anyName.js';

const AP = { n: 2, mean: 0.5, deviation: 0.01, difference: { n: 2, mean: -0.02, interval: [-0.03, -0.01] } };

/** A study whose names are all the same. */
function results(name: string): StudyResults {
  const figures = { AP, AP50: null };
  const row = { method: name, size: 'tiny', teacher: name, isBaseline: false, n: 2, figures, classes: { [name]: AP } };
  return {
    study: { data: { name, train: 6, validation: 2 }, adapter: { name, kind: 'software' } },
    plans: [
      {
        name,
        seeds: [0, 1],
        epochs: 2,
        tables: [{ title: name, baseline: name, rows: [row] }],
        curves: [{ title: name, label: name, points: [{ method: name, x: 1, figures, classes: {} }] }],
      },
    ],
    students: { of: 2, finished: 2 },
    hours: 1,
  } as unknown as StudyResults;
}

const withoutEscapes = (text: string) => text.replace(/\\[!-/:-@[-`{-~]/g, '·');

test('a table of figures', () => {
  expect(describeResults(results('LD'))).toContain(
    '| method | student | teacher | n | AP | ΔAP | LD |\n|---|---|---|---|---|---|---|\n' +
      '| LD | tiny | LD | 2 | 50.0 ± 1.0 | −2.0 [−3.0, −1.0] | 50.0 ± 1.0 |',
  );
});

test('whatever a method, class, plan or data set is called, the tables have the same cells and no markup', () => {
  const shape = (text: string) => text.split('\n').map((line) => withoutEscapes(line).split('|').length);
  const plain = shape(describeResults(results('LD')));
  fc.assert(
    fc.property(anyName, (name) => {
      const text = describeResults(results(name));
      expect(shape(text)).toEqual(plain);
      expect(text.replaceAll('\n', '')).not.toMatch(HARMFUL);
      expect(withoutEscapes(text)).not.toMatch(/[<>&`*_~]|\][([:]/);
    }),
  );
});
