import { type DynamicSoftLabelInput, softLabelCosts } from './dynamicSoftLabel.js';
import { alignmentOf, type TaskAlignedInput } from './taskAligned.js';

/** f32 rounds an overlap by less: it is a ratio of differences of coordinates of some hundred pixels. */
const OVERLAP = 5e-6;
/** By more f32 does not round a coordinate of an image of some hundred pixels, nor the distance of two. */
const MARGIN = 1e-4;

/** Whether f32 decides as f64 does which of two values is larger; what is exactly equal in f64 is equal in f32. */
function apart(a: number | undefined, b: number | undefined, tolerance: number): boolean {
  return a === undefined || b === undefined || a === b || Math.abs(a - b) > tolerance;
}

/** Whether f32 assigns one image as f64 does: nothing is so near a limit or another's value that rounding decides. */
export function isClearTaskAligned(input: TaskAlignedInput): boolean {
  const { topk = 10, beta = 6 } = input;
  const { inside, margins, overlaps, metrics } = alignmentOf(input);
  if (margins.flat().some((margin) => margin !== 0 && Math.abs(margin) < MARGIN)) return false;
  const claims = new Map<number, number>();
  const ranked = metrics.every((row, g) => {
    const best = row.flatMap((m, i) => (inside[g][i] && m > 0 ? [i] : [])).sort((a, b) => row[b] - row[a] || a - b);
    for (const i of best.slice(0, topk)) claims.set(i, (claims.get(i) ?? 0) + 1);
    const [last, next] = [best[topk - 1], best[topk]];
    if (next === undefined) return true;
    // The relative rounding of u^beta, and that of powers and logarithms.
    return apart(row[last], row[next], row[last] * ((beta * OVERLAP) / overlaps[g][next] + 1e-5));
  });
  const owned = [...claims].every(([i, count]) => {
    const [first, second] = overlaps.map((row) => row[i]).sort((a, b) => b - a);
    return count < 2 || apart(first, second, OVERLAP);
  });
  return ranked && owned;
}

/** The same of dynamic soft labels. */
export function isClearDynamicSoftLabel(input: DynamicSoftLabelInput): boolean {
  const { topk = 13, iouWeight = 3 } = input;
  const { candidates, margins, overlaps, costs } = softLabelCosts(input);
  if (margins.flat().some((margin) => margin !== 0 && Math.abs(margin) < MARGIN)) return false;
  const tolerance = (g: number, at: number) =>
    1e-5 * (1 + Math.abs(costs[g][at])) + ((3 + iouWeight) * 1e-6) / (overlaps[g][at] + 1e-7);
  const claims = new Map<number, number>();
  const ranked = costs.every((row, g) => {
    const largest = [...overlaps[g]].sort((a, b) => b - a).slice(0, topk);
    const sum = largest.reduce((a, b) => a + b, 0);
    if (sum > 0.5 && Math.abs(sum - Math.round(sum)) < topk * OVERLAP) return false;
    const count = Math.max(1, Math.floor(sum));
    const cheapest = candidates.map((_, at) => at).sort((a, b) => row[a] - row[b] || a - b);
    for (const at of cheapest.slice(0, count)) claims.set(at, (claims.get(at) ?? 0) + 1);
    const [last, next] = [cheapest[count - 1], cheapest[count]];
    return next === undefined || apart(row[last], row[next], tolerance(g, last) + tolerance(g, next));
  });
  const owned = [...claims].every(([at, count]) => {
    const [first, second] = costs.map((_, g) => g).sort((a, b) => costs[a][at] - costs[b][at]);
    return count < 2 || apart(costs[first][at], costs[second][at], tolerance(first, at) + tolerance(second, at));
  });
  return ranked && owned;
}
