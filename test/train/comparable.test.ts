import { expect, test } from 'vitest';
import { resolveRecipe } from '../../src/losses/recipe.js';
import { assertComparable, type NetForm } from '../../src/train/comparable.js';
import { InputError } from '../../src/util/error.js';

const config = { bins: 17, strides: [8, 16], width: 64, height: 48, classes: 2 };
const classes = [{ name: 'red' }, { name: 'blue' }];
const recipe = resolveRecipe('main-ld');
const student: NetForm = { owner: 'the student', config, classes, recipe };
const teacher: NetForm = { owner: 'the teacher t', config, classes, recipe, featureChannels: 32 };
const { classes: _, ...unnamed } = teacher;

test('what is the same, or not known, is comparable', () => {
  assertComparable(student, teacher);
  assertComparable(student, { owner: 't', config: { bins: 17, strides: [8, 16], width: 64, height: 48 } });
  assertComparable({ owner: 's', config }, teacher);
  const decomposed = [{ name: 'Zelle a\u0308' }, { name: 'b' }];
  assertComparable(
    { ...student, classes: decomposed },
    { ...teacher, classes: [{ name: 'Zelle \u00e4' }, { name: 'b' }] },
  );
  const imitating = resolveRecipe('imitation-main');
  assertComparable({ ...student, recipe: imitating }, teacher);
});

test.each<[string, Partial<NetForm>, RegExp]>([
  [
    'bins',
    { config: { ...config, bins: 9 } },
    /^bins: 17 for the student, 9 for the teacher t; .* a teacher with bins 17\.$/,
  ],
  ['strides', { config: { ...config, strides: [8, 32] } }, /^strides: 8,16 for the student, 8,32 for the teacher t/],
  ['width', { config: { ...config, width: 96 } }, /^width: 64 for the student, 96 for/],
  ['height', { config: { ...config, height: 96 } }, /^height: 48 for the student, 96 for/],
  [
    'box.parameters',
    { recipe: resolveRecipe({ box: { parameters: 'offset' } }) },
    /^box\.parameters: ltrb for the student, offset for .* Give a recipe with box\.parameters offset\.$/,
  ],
  [
    'centreOffset',
    { recipe: resolveRecipe({ regions: { centreOffset: 0.5 } }) },
    /^regions\.centreOffset: 0 for .* 0\.5 for .* Give a recipe with "regions": \{"centreOffset": 0\.5\}, or a teacher trained by the student's head\.$/,
  ],
  [
    'the order of classes',
    { classes: [...classes].reverse() },
    /^classes: the teacher t has 2 \(blue, red\), .*another order, from position 1 on/,
  ],
  [
    'the names of classes',
    { classes: [classes[0], { name: 'green' }] },
    /only the teacher t has green, only the student has blue/,
  ],
  [
    'features',
    { featureChannels: 0 },
    /^recipe imitation-main imitates features, but the teacher t gives logits alone/,
  ],
])('%s: a difference is refused', (name, change, message) => {
  const own = name === 'features' ? { ...student, recipe: resolveRecipe('imitation-main') } : student;
  expect(() => assertComparable(own, { ...teacher, ...change })).toThrow(InputError);
  expect(() => assertComparable(own, { ...teacher, ...change })).toThrow(message);
});

test('where names are not known, their number counts', () => {
  const three = { ...unnamed, config: { ...config, classes: 3 } };
  expect(() => assertComparable(student, three)).toThrow(
    /^classes: the teacher t has 3, the student 2 \(red, blue\)\./,
  );
});

test('the caller may say what to do', () => {
  const other = { ...teacher, config: { ...config, width: 96 } };
  expect(() => assertComparable(student, other, ({ field, own }) => `Do ${field} ${own}.`)).toThrow(
    /the same\. Do width 64\.$/,
  );
});
