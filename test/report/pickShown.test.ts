import { expect, test } from 'vitest';
import { detectorConfig } from '../../src/detector/config.js';
import { resolveRecipe } from '../../src/losses/recipe.js';
import { pickShown } from '../../src/report/pickShown.js';
import type { OpenRun } from '../../src/report/runs.js';

interface Sketch {
  role?: OpenRun['role'];
  teacher?: string;
  recipe?: string;
  size?: 'tiny' | 'small' | 'base';
  strides?: number[];
  ap?: number;
}

/** A run as far as the choice looks at it. */
function run(name: string, sketch: Sketch): OpenRun {
  const {
    role = 'student',
    teacher = 'base',
    recipe = 'gfocal',
    size = 'tiny',
    strides = [8, 16, 32],
    ap = 0.3,
  } = sketch;
  const detector = detectorConfig({ size, strides, width: 64, height: 64, classes: 2 });
  return {
    folder: name,
    name,
    role,
    teacherFolder: role === 'teacher' ? null : teacher,
    checkpoint: { metadata: { detector, recipe: resolveRecipe(recipe) } },
    log: [{ evaluation: { AP: 0 } }, { evaluation: { AP: ap } }, {}],
  } as unknown as OpenRun;
}

const base = run('base', { role: 'teacher', size: 'base' });
const names = (runs: OpenRun[]) => pickShown(runs).map(({ name }) => name);

test('the teacher, the student that learnt alone and the best with LD', () => {
  const runs = [
    base,
    run('alone', { ap: 0.2 }),
    run('classes', { recipe: 'main-kd', ap: 0.5 }),
    run('worse', { recipe: 'main-ld', ap: 0.3 }),
    run('better', { recipe: 'main-kd+main-ld+vlr-ld', ap: 0.4 }),
  ];
  expect(names(runs)).toEqual(['base', 'alone', 'better']);
  // Nobody learnt alone.
  expect(names(runs.filter(({ name }) => name !== 'alone'))).toEqual(['base', 'classes', 'better']);
});

test('a student of another size, teacher or grid is not beside them, however good', () => {
  const runs = [
    run('self', { role: 'teacher' }),
    base,
    run('alone', {}),
    run('ld', { recipe: 'main-ld' }),
    run('small', { recipe: 'main-ld', size: 'small', ap: 0.9 }),
    run('self-ld', { recipe: 'main-ld', teacher: 'self', ap: 0.9 }),
    run('coarse', { recipe: 'main-ld', strides: [8, 16], ap: 0.9 }),
  ];
  expect(names(runs)).toEqual(['base', 'alone', 'ld']);
});

test('without a teacher the first three that share a grid; of none an error', () => {
  const detectors = ['a', 'b', 'c', 'd'].map((name) => run(name, { role: 'detector' }));
  expect(names([detectors[0], run('other', { role: 'detector', strides: [8, 16] }), ...detectors.slice(1)])).toEqual([
    'a',
    'b',
    'c',
  ]);
  expect(() => pickShown([])).toThrow(/runs: none/);
});
