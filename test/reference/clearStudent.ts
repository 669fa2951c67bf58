import { type DynamicSoftLabelInput, softLabelCosts } from './dynamicSoftLabel.js';
import { alignmentOf, type TaskAlignedInput } from './taskAligned.js';

/**
 * f32 rounds an overlap by less: it is a ratio of differences of coordinates of some hundred pixels. Of 17,000 pairs of boxes like those
 * of the tests the worst CIoU was off by 8e-7 on lavapipe (whose arctangent is good to 1e-5) and by 3e-7 on SwiftShader.
 */
const OVERLAP = 5e-6;
/** f32 rounds a metric by less of itself: in steps of 4e-6, for its logarithm is as much as 87. */
const METRIC = 3e-5;
/** By more f32 does not round a coordinate of an image of some hundred pixels, nor the distance of two. */
const MARGIN = 1e-4;

/** Whether f32 decides as f64 does which of two values is larger; what is exactly equal in f64 is equal in f32. */
function apart(a: number, b: number, tolerance: number): boolean {
  return a === b || Math.abs(a - b) > tolerance;
}

/** Whether f32 assigns one image as f64 does: nothing is so near a limit or another's value that rounding decides. */
export function isClearTaskAligned(input: TaskAlignedInput): boolean {
  const { topk = 10 } = input;
  const { inside, margins, overlaps, metrics } = alignmentOf(input);
  if (margins.flat().some((margin) => margin !== 0 && Math.abs(margin) < MARGIN)) return false;
  const [low, high] = [-1, 1].map((sign) => {
    const rounded = (overlap: number) => (overlap === 0 ? 0 : overlap + sign * OVERLAP);
    return alignmentOf({ ...input, rounded }).metrics.map((row) => row.map((metric) => metric * (1 + sign * METRIC)));
  });
  const claims = new Map<number, number>();
  const ranked = metrics.every((row, g) => {
    const held = row.flatMap((_, i) => (inside[g][i] && high[g][i] > 0 ? [i] : []));
    held.sort((a, b) => row[b] - row[a] || a - b);
    const chosen = held.slice(0, topk);
    for (const i of chosen) claims.set(i, (claims.get(i) ?? 0) + 1);
    // A location of which f32 may say that the object has no metric there can make the difference whether it is contested.
    if (chosen.some((i) => low[g][i] === 0)) return false;
    return held.slice(topk).every((i) => chosen.every((j) => row[i] === row[j] || high[g][i] < low[g][j]));
  });
  const owned = [...claims].every(([i, count]) => {
    const [first, ...others] = overlaps.map((row) => row[i]).sort((a, b) => b - a);
    return count < 2 || others.every((other) => apart(first, other, OVERLAP));
  });
  return ranked && owned;
}

/** The same of dynamic soft labels. */
export function isClearDynamicSoftLabel(input: DynamicSoftLabelInput): boolean {
  const { topk = 13, iouWeight = 3 } = input;
  const { candidates, margins, overlaps, costs } = softLabelCosts(input);
  if (margins.flat().some((margin) => margin !== 0 && Math.abs(margin) < MARGIN)) return false;
  // Boxes that do not touch have an IoU of exactly 0 in f32, too.
  const tolerance = (g: number, at: number) =>
    1e-5 * (1 + Math.abs(costs[g][at])) +
    (overlaps[g][at] === 0 ? 0 : ((3 + iouWeight) * 1e-6) / (overlaps[g][at] + 1e-7));
  const claims = new Map<number, number>();
  const ranked = costs.every((row, g) => {
    const largest = [...overlaps[g]].sort((a, b) => b - a).slice(0, topk);
    const sum = largest.reduce((a, b) => a + b, 0);
    if (sum > 0.5 && Math.abs(sum - Math.round(sum)) < topk * OVERLAP) return false;
    const count = Math.max(1, Math.floor(sum));
    const cheapest = candidates.map((_, at) => at).sort((a, b) => row[a] - row[b] || a - b);
    for (const at of cheapest.slice(0, count)) claims.set(at, (claims.get(at) ?? 0) + 1);
    const chosen = cheapest.slice(0, count);
    return cheapest
      .slice(count)
      .every((at) => chosen.every((own) => apart(row[own], row[at], tolerance(g, own) + tolerance(g, at))));
  });
  const owned = [...claims].every(([at, count]) => {
    const [first, ...others] = costs.map((_, g) => g).sort((a, b) => costs[a][at] - costs[b][at] || a - b);
    return (
      count < 2 || others.every((g) => apart(costs[first][at], costs[g][at], tolerance(first, at) + tolerance(g, at)))
    );
  });
  return ranked && owned;
}
