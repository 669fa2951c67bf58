import { expect, test } from 'vitest';
import type { DetectorSize } from '../../src/detector/config.js';
import { resolveRecipe } from '../../src/losses/recipe.js';
import { assertComparable, assertSameHead, type NetForm } from '../../src/train/comparable.js';
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
  ['width', { config: { ...config, width: 96 } }, /^width: 64 for the student, 96 for/],
  ['height', { config: { ...config, height: 96 } }, /^height: 48 for the student, 96 for/],
  [
    'box.parameters',
    { recipe: resolveRecipe({ box: { parameters: 'offset' } }) },
    /^box\.parameters: ltrb for the student, offset for .* Give a recipe with box\.parameters offset\.$/,
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
    'strides',
    { config: { ...config, strides: [1, 2] } },
    /^teacher\.strides: none of 1,2 on 64×48 is close to one of the student's, 8,16 on 64×48; set teacher\.levels to nearest/,
  ],
  [
    'distributions',
    { config: { ...config, bins: 1 } },
    /^teacher\.bins: 1, .* recipe main-ld has nothing for ld to distil; .* distil by kd, iouLd or box\.bounded/,
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

test.each<[string, Partial<NetForm>, string]>([
  ['bins', { config: { ...config, bins: 9 } }, 'the teacher t: 9 → 17 bins, re-binned.'],
  [
    'centre offset and bins',
    { config: { ...config, bins: 16 }, recipe: resolveRecipe({ regions: { centreOffset: 0.5 } }) },
    'the teacher t: 16 → 17 bins, centre offset 0.5 → 0, re-binned.',
  ],
  ['a level less', { config: { ...config, strides: [8] } }, 'the teacher t: level 16 is not taught.'],
  ['a level more', { config: { ...config, strides: [8, 16, 32] } }, 'the teacher t: levels 8, 16 of its 8, 16, 32.'],
  [
    'other strides',
    { config: { ...config, strides: [12, 24] } },
    'the teacher t: stride 12 → 8, stride 12 → 16, re-binned.',
  ],
  [
    'everything',
    { config: { ...config, bins: 8, strides: [64, 12] } },
    'the teacher t: 8 → 17 bins, stride 12 → 8, stride 12 → 16, re-binned.',
  ],
])('%s: a difference is brought into the head of the student', (_name, change, notice) => {
  expect(assertComparable(student, { ...teacher, ...change })).toBe(notice);
  expect(() => assertSameHead(student, { ...teacher, ...change })).toThrow(InputError);
});

test('CrossKD needs the head of the teacher', () => {
  const crossing = { ...student, recipe: resolveRecipe('crosskd') };
  const sized = (size: DetectorSize, change = {}) => ({ ...teacher, config: { ...config, size, ...change } });
  expect(assertComparable(crossing, sized('small', { bins: 9 }))).toMatch(/9 → 17 bins/);
  expect(() => assertComparable(crossing, sized('small', { strides: [8, 32] }))).toThrow(
    /^teacher: recipe crosskd puts .* through the teacher's head .* need the same strides .*; set cross\.convolutions to 0/,
  );
  expect(() => assertComparable(crossing, sized('tiny'))).toThrow(
    /^recipe crosskd: cross\.convolutions is 1, but the towers of a tiny teacher have 1 and .*; take a larger teacher/,
  );
  expect(() => assertComparable(crossing, teacher)).toThrow(/which only a teacher trained with edgewise gives/);
});

test('bins of offset boxes have to be the same', () => {
  const offset = resolveRecipe({ box: { parameters: 'offset' } });
  const other = { ...teacher, recipe: offset, config: { ...config, bins: 9 } };
  expect(() => assertComparable({ ...student, recipe: offset }, other)).toThrow(
    /^bins: 17 for the student, 9 for the teacher t; both need the same\. .* a teacher with bins 17\.$/,
  );
});
