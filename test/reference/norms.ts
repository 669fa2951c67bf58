import { at, build, indices, type NdArray } from './arrays.js';

/** (x − mean) / √(variance + ε), the statistics over all elements for which `setOf` gives the same number. */
function standardised(x: NdArray, epsilon: number, setOf: (index: number[]) => number): NdArray {
  const sets = new Map<number, number[]>();
  for (const index of indices(x.shape)) sets.set(setOf(index), [...(sets.get(setOf(index)) ?? []), at(x, index)]);
  const statistics = new Map(
    [...sets].map(([set, values]) => {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
      return [set, [mean, Math.sqrt(variance + epsilon)]];
    }),
  );
  return build(x.shape, (index) => {
    const [mean, deviation] = statistics.get(setOf(index))!;
    return (at(x, index) - mean) / deviation;
  });
}

/** Group norm of [B, C, …] with scale and shift of channels. */
export function groupNorm(x: NdArray, scale: NdArray, shift: NdArray, groups: number, epsilon: number): NdArray {
  const channels = x.shape[1];
  const normal = standardised(x, epsilon, ([image, c]) => image * groups + Math.floor((c * groups) / channels));
  return build(x.shape, (index) => at(normal, index) * scale.values[index[1]] + shift.values[index[1]]);
}

/** Layer norm of [rows, D]. */
export function layerNorm(x: NdArray, scale: NdArray, shift: NdArray | null, epsilon: number): NdArray {
  const normal = standardised(x, epsilon, ([row]) => row);
  return build(x.shape, (index) => at(normal, index) * scale.values[index[1]] + (shift?.values[index[1]] ?? 0));
}
