import { expect, test } from 'vitest';
import { recipeForClasses } from '../../src/losses/oneClass.js';
import { resolveRecipe } from '../../src/losses/recipe.js';

test('with a single class, class distillation has the form that says something, and it is told', () => {
  for (const recipe of ['main-kd', 'main-kd+main-ld+vlr-ld', { kd: { vlr: 1 } }]) {
    const { recipe: found, notice } = recipeForClasses(recipe, 1);
    const whole = resolveRecipe(recipe);
    expect(found).toEqual({ ...whole, kd: { ...whole.kd, form: 'binary' } });
    expect(notice).toMatch(
      /^recipe .*: with a single class a softmax .* says nothing; .* compares by kd\.form binary\.$/,
    );
    expect(recipeForClasses(recipe, 2)).toEqual({ recipe: whole, notice: null });
  }
});

test('what a recipe says itself stays; that it is silent is told', () => {
  const softmax = { kd: { main: 10, form: 'softmax' } } as const;
  expect(recipeForClasses(softmax, 1)).toEqual({
    recipe: resolveRecipe(softmax),
    notice: expect.stringMatching(/^recipe custom: .* stays 0; give kd\.form binary\.$/),
  });
  const binary = { kd: { main: 10, form: 'binary' } } as const;
  expect(recipeForClasses(binary, 1)).toEqual({ recipe: resolveRecipe(binary), notice: null });
  // Without class distillation there is nothing to say.
  for (const recipe of ['gfocal', 'main-ld', { kd: { form: 'softmax' } }] as const)
    expect(recipeForClasses(recipe, 1)).toEqual({ recipe: resolveRecipe(recipe), notice: null });
});
