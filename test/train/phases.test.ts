import { expect, test } from 'vitest';
import { recipeNames, resolveRecipe } from '../../src/losses/recipe.js';
import { assertAssigner, assignerOf, recipeAt, recipesFrom } from '../../src/train/phases.js';
import { InputError } from '../../src/util/error.js';

const ppyoloe = resolveRecipe('ppyoloe'); // 4 epochs of ATSS

test('ATSS assigns in the first switchAfter epochs, and nothing else is different', () => {
  const assigners = [0, 3, 4, 100].map((epoch) => recipeAt(ppyoloe, epoch).regions.assigner);
  expect(assigners).toEqual(['atss', 'atss', 'task-aligned', 'task-aligned']);
  const { regions, ...rest } = recipeAt(ppyoloe, 3);
  expect({ ...rest, regions: { ...regions, assigner: 'task-aligned', switchAfter: 4 } }).toEqual(ppyoloe);
  expect(resolveRecipe(recipeAt(ppyoloe, 0))).toEqual(recipeAt(ppyoloe, 0));
  expect(recipeAt(ppyoloe, 4)).toBe(ppyoloe);
});

test('of the recipes to come each is there once', () => {
  const assigners = (name: string, epoch?: number) =>
    recipesFrom(resolveRecipe(name), epoch).map(({ regions }) => regions.assigner);
  expect(assigners('ppyoloe')).toEqual(['atss', 'task-aligned']);
  expect(assigners('ppyoloe', 3)).toEqual(['atss', 'task-aligned']);
  expect(assigners('ppyoloe', 4)).toEqual(['task-aligned']);
  expect(assigners('yolov8')).toEqual(['task-aligned']);
  expect(assigners('gfocal')).toEqual(['atss']);
});

test('the log says who assigns only where that changes', () => {
  expect([3, 4].map((epoch) => assignerOf(ppyoloe, epoch))).toEqual([
    { assigner: 'atss' },
    { assigner: 'task-aligned' },
  ]);
  expect(assignerOf(resolveRecipe('yolov8'), 0)).toEqual({});
});

test('an assigner that is never come to is refused, and so is that of a caller who is not there', () => {
  const refusal = (name: string, epochs: number) => {
    try {
      assertAssigner(resolveRecipe(name), { epochs });
      return null;
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
      return (error as Error).message;
    }
  };
  expect(refusal('picodet', 100)).toMatch(
    /^recipe picodet: regions\.switchAfter is 100, .* ATSS before task-aligned, but the training has 100, .* Set it to 33, say/,
  );
  expect(refusal('picodet', 101)).toBeNull();
  for (const name of recipeNames) expect(refusal(name, 300)).toBeNull();
  const given = resolveRecipe({ name: 'own', regions: { assigner: 'given' } });
  expect(() => assertAssigner(given, { epochs: 3 })).toThrow(/^recipe own: regions\.assigner is given, .* HeadLoss/);
});
