import { expect, test } from 'vitest';
import { resolveRecipe } from '../../src/losses/recipe.js';
import { recipeOfModel, settingsOfModel } from '../../src/web/lessons.js';
import { DISTILLATION, HEADS, type Head } from '../../src/web/protocol.js';

test.each(Object.entries(HEADS) as [Head, number][])('%s: LD as the shipped recipe has it', (head, weight) => {
  const shipped = resolveRecipe(head === 'gfocal' ? 'main-ld+vlr-ld' : `${head}+ld`);
  const { regions } = shipped;
  const distillation = { ...DISTILLATION, weight, gamma: regions.gamma };
  const recipe = recipeOfModel('with', distillation, { head, centreOffset: 0.25 });
  expect(recipe).toEqual({ ...shipped, name: 'with', regions: { ...regions, centreOffset: 0.25, switchAfter: 0 } });
  for (const name of ['without', 'teacher'] as const) {
    const { ld, kd } = recipeOfModel(name, distillation, { head, centreOffset: 0.25 });
    expect([ld.main, ld.vlr, kd.main]).toEqual([0, 0, 0]);
  }
});

test('a dropped model warms up in a tenth of its steps', () => {
  const { student, teacher } = settingsOfModel({ learningRate: 2e-3, steps: 250 });
  expect(student).toMatchObject({ learningRate: 2e-3, warmupSteps: 25 });
  expect(teacher).toMatchObject({ learningRate: 1e-2, warmupSteps: 25, batch: student.batch });
  expect(() => settingsOfModel({ learningRate: Number.NaN, steps: 250 })).toThrow(/^learningRate is/);
});
