import { expect } from 'vitest';
import type { TermName } from '../../src/losses/headTerms.js';
import { type ImitationMethod, type Recipe, resolveRecipe } from '../../src/losses/recipe.js';
import { expectClose } from './closeTo.js';
import type { GoldenAssignment, GoldenCase } from './golden.js';
import { type HeadLossResult, headLossOracle } from './headLoss.js';
import type { LevelRegions } from './headRegions.js';

/** The reference's name for a method -> ours: its `fitnet` is the region inside the boxes, on every level. */
const METHODS: Record<string, ImitationMethod> = { finegrained: 'finegrained', fitnet: 'inside', gibox: 'gibox' };

/** The recipe of the golden cases' assignments. */
export function goldenRecipe({ ignoreIofThreshold, imitation }: GoldenAssignment): Recipe {
  const recipe = resolveRecipe('reference');
  return {
    ...recipe,
    regions: { ...recipe.regions, ignoreIofThreshold },
    imitation: { ...recipe.imitation, method: METHODS[imitation] },
  };
}

/** The oracle on a golden case. */
export function goldenOracle(golden: GoldenCase): HeadLossResult {
  const { student, teacher, truth, temperatureLd, temperatureKd, imitationWeight: weight } = golden;
  const recipe = goldenRecipe(golden);
  return headLossOracle({
    student,
    teacher,
    truth,
    sizes: golden,
    recipe: {
      ...recipe,
      ld: { ...recipe.ld, temperature: temperatureLd },
      kd: { ...recipe.kd, temperature: temperatureKd },
      imitation: { ...recipe.imitation, weight },
    },
  });
}

/** Labels, label weights, boxes, VLR values and imitation masks of the oracle are those of the case. */
export function expectGoldenRegions(golden: GoldenAssignment, regions: readonly LevelRegions[]): void {
  regions.forEach(({ level, state, label, truthIndex, vlr, imitation }, l) => {
    const expected = golden.assign[l];
    const size = level.anchors.length;
    const labels = Array.from(label, (c) => (c === -1 ? golden.classes : c));
    expect(labels, `labels of level ${l}`).toEqual(Array.from(expected.label));
    const weights = Array.from(state, (s) => (s === -1 ? 0 : 1));
    expect(weights, `label weights of level ${l}`).toEqual(Array.from(expected.weight));
    const boxes = Array.from(truthIndex).flatMap((g, index) =>
      g === -1 ? [0, 0, 0, 0] : [...golden.truth[Math.floor(index / size)].boxes[g]],
    );
    expect(boxes, `boxes of level ${l}`).toEqual(Array.from(expected.box));
    const inside = (values: ArrayLike<number>) => Array.from(values, (v) => v > 0);
    expect(inside(vlr), `VLR of level ${l}`).toEqual(inside(expected.vlr));
    expectClose(expected.vlr, vlr, { relative: 1e-6 }, `VLR values of level ${l}`);
    // gibox: the file holds the inside-box mask instead of the region that the loss uses.
    if (golden.imitation === 'gibox') return;
    expect(Array.from(imitation), `imitation mask of level ${l}`).toEqual(Array.from(expected.imitation));
  });
}

/**
 * Loss terms a level, total and every gradient. The files are float32 sums of up to 10^5 products: terms agree to 1e-5 of
 * themselves, gradients to 1e-5 of the largest of their level (an absolute bound would pass the small ones unread).
 */
export function expectGoldenLosses(golden: GoldenCase, { terms, total, gradients, normalisers }: HeadLossResult): void {
  expect(normalisers.samples).toBe(golden.positives);
  for (const [term, values] of Object.entries(golden.losses)) {
    expectClose(terms[term as TermName], values, { relative: 1e-5 }, term);
  }
  expectClose([total], [golden.total], { relative: 1e-5 }, 'total');
  for (const key of ['classLogits', 'boxLogits', 'features'] as const) {
    golden.gradients[key]?.forEach((expected, l) => {
      const largest = Array.from(expected).reduce((most, g) => Math.max(most, Math.abs(g)), 0);
      const name = `gradient of ${key} of level ${l}`;
      expectClose(gradients[key][l], expected, { absolute: 1e-5 * largest }, name);
    });
  }
}
