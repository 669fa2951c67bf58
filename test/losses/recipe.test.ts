import { describe, expect, test } from 'vitest';
import { needsTeacher, type PartialRecipe, recipeNames, resolveRecipe } from '../../src/losses/recipe.js';

describe('recipes', () => {
  test('every shipped one is valid and survives JSON', () => {
    for (const name of recipeNames) {
      const recipe = resolveRecipe(name);
      expect(recipe.name).toBe(name);
      expect(resolveRecipe(JSON.parse(JSON.stringify(recipe)))).toEqual(recipe);
    }
    expect(new Set(recipeNames).size).toBe(recipeNames.length);
  });

  test('reference and paper differ in the form of the VLR alone', () => {
    const reference = resolveRecipe('reference');
    const paper = resolveRecipe('paper');
    expect(reference.regions.vlr).toBe('reference');
    expect({ ...paper, name: '', regions: { ...paper.regions, vlr: 'reference' } }).toEqual({ ...reference, name: '' });
  });

  test('only distilling recipes need a teacher', () => {
    const plain = ['gfocal', 'nanodet', 'yolov8', 'nanodet-plus', 'ppyoloe', 'picodet'];
    for (const name of recipeNames) expect(needsTeacher(resolveRecipe(name))).toBe(!plain.includes(name));
  });

  test('box.branch of older runs, always dense, is left out', () => {
    const old = { ...resolveRecipe('gfocal'), box: { ...resolveRecipe('gfocal').box, branch: 'dense' } };
    expect(resolveRecipe(old)).toEqual(resolveRecipe('gfocal'));
  });

  test('without a VLR main LD is left', () => {
    expect(resolveRecipe({ regions: { vlr: 'none' }, ld: { main: 1 } }).regions.vlr).toBe('none');
  });

  test('LD beside another head has the weight of its DFL', () => {
    expect(resolveRecipe('yolov8+ld').ld).toMatchObject({
      main: 1.5,
      temperature: 10,
      weights: 'target-score',
      normaliser: 'scores',
    });
  });

  const bad: [string, unknown, RegExp][] = [
    ['unknown name', 'ours', /none called ours.*gfocal.*main-ld/],
    ['unknown field', { ld: { mian: 1 } }, /unknown field ld\.mian.*main, vlr, temperature/],
    ['unknown section', { lossWeights: {} }, /unknown field lossWeights.*classification/],
    ['wrong type', { ld: { temperature: '10' } }, /ld\.temperature is "10"; it must be number/],
    ['out of range', { regions: { gamma: 1.5 } }, /regions\.gamma is 1\.5; it must be <= 1/],
    ['zero temperature', { kd: { temperature: 0 } }, /kd\.temperature is 0; it must be > 0/],
    ['no such choice', { regions: { vlr: 'mine' } }, /regions\.vlr is "mine".*paper, reference/],
    ['a section that is no object', { ld: 3 }, /ld is 3; it must be object/],
    ['not an object', [1], /not a JSON object/],
    ['null', null, /not a JSON object/],
    [
      'listed box branches',
      { box: { branch: 'listed' } },
      /box\.branch is "listed"; box logits are those of all locations now.*Leave the field out/,
    ],
    ['no VLR to distil in', { regions: { vlr: 'none' }, ld: { vlr: 1 } }, /ld\.vlr is 1 but regions\.vlr is none/],
    ['no VLR for classes', { regions: { vlr: 'none' }, kd: { vlr: 1 } }, /kd\.vlr is 1 but regions\.vlr is none/],
    ['nothing to switch to', { regions: { switchAfter: 4 } }, /switchAfter is 4 but regions\.assigner is atss already/],
    ['half an epoch', { regions: { switchAfter: 0.5 } }, /regions\.switchAfter is 0\.5; it must be integer/],
    ['many candidates', { taskAligned: { topk: 33 } }, /taskAligned\.topk is 33; it must be <= 32/],
    ['no candidates', { dynamicSoftLabel: { topk: 0 } }, /dynamicSoftLabel\.topk is 0; it must be >= 1/],
    ['a negative exponent', { taskAligned: { alpha: -1 } }, /taskAligned\.alpha is -1; it must be >= 0/],
    ['no such target', { classification: { target: 'x' } }, /classification\.target is "x".*iou, assigned/],
    ['no such scale', { scale: 'mean' }, /scale is "mean".*none, batch/],
    ['a weight without a method', { imitation: { weight: 2 } }, /imitation\.method is none/],
    [
      'all beside the positives',
      { ld: { all: 1, main: 1 } },
      /ld\.all is 1, which takes in.*set ld\.main and ld\.vlr to 0/,
    ],
    ['all beside the VLR', { kd: { all: 1, vlr: 2 } }, /kd\.all is 1, which takes in.*set kd\.main and kd\.vlr to 0/],
    ['a softmax of all', { kd: { all: 1 } }, /kd\.form is softmax; set it to focal-binary or binary/],
    [
      'weights of positives for all',
      { ld: { all: 1 } },
      /ld\.weights best-score is.*set it to teacher-score, score-diff/,
    ],
    [
      'a fixed divisor for all',
      { ld: { all: 1, weights: 'teacher-score' } },
      /ld\.normaliser is reference, a fixed number; set it to weights, images/,
    ],
    [
      'a sum of no weights',
      { ld: { all: 1, weights: 'none', normaliser: 'weights' } },
      /ld\.normaliser is weights but.*set it to images/,
    ],
    [
      'decoupled positives',
      { ld: { main: 1, weights: 'decoupled' } },
      /decoupled are of all locations but ld\.all is 0/,
    ],
    [
      'a decoupled mean of other weights',
      { ld: { all: 1, weights: 'none', normaliser: 'decoupled' } },
      /ld\.normaliser is decoupled but ld\.weights is none; set it to decoupled/,
    ],
    [
      'a sum of decoupled weights',
      { ld: { all: 1, weights: 'decoupled', normaliser: 'weights' } },
      /no sum is kept; set ld\.normaliser to decoupled/,
    ],
    [
      'two kinds in one place',
      {
        ld: { all: 1, weights: 'decoupled', normaliser: 'decoupled' },
        iouLd: { weight: 1, weights: 'teacher-score' },
      },
      /iouLd\.weights asks for; set that to score-difference or none/,
    ],
    ['target scores for all', { iouLd: { weight: 1, weights: 'target-score' } }, /iouLd\.region to main/],
    [
      'a sum of no weights of boxes',
      { iouLd: { weight: 1, weights: 'none', normaliser: 'weights' } },
      /iouLd\.normaliser is weights but.*set it to images/,
    ],
    ['two norms', { imitation: { method: 'pkd', norm: 'batch' } }, /norm is batch but imitation\.method is pkd/],
  ];
  test.each(bad)('%s', (_name, recipe, message) => {
    expect(() => resolveRecipe(recipe as PartialRecipe)).toThrow(message);
  });
});
