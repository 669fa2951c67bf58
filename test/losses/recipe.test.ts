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
    expect(needsTeacher(resolveRecipe('gfocal'))).toBe(false);
    for (const name of recipeNames) if (name !== 'gfocal') expect(needsTeacher(resolveRecipe(name))).toBe(true);
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
    ['no such branch', { box: { branch: 'sparse' } }, /box\.branch is "sparse".*dense, listed/],
    ['listed box branches', { box: { branch: 'listed' } }, /box\.branch is listed, which is gone/],
    ['a weight without a method', { imitation: { weight: 2 } }, /imitation\.method is none/],
  ];
  test.each(bad)('%s', (_name, recipe, message) => {
    expect(() => resolveRecipe(recipe as PartialRecipe)).toThrow(message);
  });
});
