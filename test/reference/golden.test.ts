import { expect, test } from 'vitest';
import { loadGolden, loadGoldenAssignment } from './golden.js';
import { expectGoldenLosses, expectGoldenRegions, goldenOracle, goldenRecipe } from './goldenChecks.js';
import { headRegions } from './headRegions.js';

for (const name of ['small-bins', 'temperature-1', 'big-logits', 'one-class', 'imitation-gibox']) {
  test(`the oracle agrees with the reference implementation: ${name}`, async () => {
    const golden = await loadGolden(`test/golden/${name}.safetensors`);
    const result = goldenOracle(golden);
    expectGoldenRegions(golden, result.regions);
    expectGoldenLosses(golden, result);
  });
}

for (const name of ['ignored-regions', 'crowded']) {
  test(`the oracle assigns as the reference implementation: ${name}`, async () => {
    const golden = await loadGoldenAssignment(`test/golden/assign-${name}.safetensors`);
    const outputs = { classLogits: [], boxLogits: [] };
    const regions = headRegions({ ...golden, bins: 17 }, goldenRecipe(golden), golden.truth, outputs, undefined);
    expectGoldenRegions(golden, regions);
  });
}

test('the ignored case has ignored locations, some of them in the valuable region', async () => {
  const golden = await loadGoldenAssignment('test/golden/assign-ignored-regions.safetensors');
  const ignored = golden.assign.flatMap(({ weight, vlr }) => Array.from(vlr).filter((_, i) => weight[i] === 0));
  expect(ignored.length).toBeGreaterThan(0);
  expect(ignored.some((value) => value > 0)).toBe(true);
});
