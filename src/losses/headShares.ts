import type { Launch } from '../gpu/launch.js';
import { type Assignment, COUNTS } from '../regions/assignment.js';
import { type Parts, summed } from '../tensor/parts.js';
import type { Tensor } from '../tensor/tensor.js';
import { InputError } from '../util/error.js';
import type { Recipe } from './recipe.js';

/** Counts of all images of the step, by which terms are divided: first the process's own, which passes over samples look for. */
export function* shareCounts(assignment: Assignment): Parts<Assignment> {
  const { counts } = assignment;
  let rows: Float32Array[] = [];
  yield {
    own: counts,
    how: 'gather',
    take: (parts, rank) => {
      rows = [parts[rank], ...parts.filter((_, other) => other !== rank)];
    },
  };
  const all = new Float32Array(rows.length * counts.size);
  for (const [index, row] of rows.entries()) all.set(row, index * counts.size);
  // Made here, where the enclosing `tidyParts` gives it back.
  return { ...assignment, counts: counts.device.tensor(all, [all.length / COUNTS.stride, COUNTS.stride]) };
}

/** Makes `factors` by a kernel. Processes that share the step first leave their sums there (SHARED 1), then take all (SHARED 2). */
export function* shareFactors(launch: Launch, factors: Tensor, shares: number): Parts<void> {
  const { device } = factors;
  if (shares === 1) return device.run(launch);
  const mode = (SHARED: 1 | 2) => device.run({ ...launch, constants: { ...launch.constants, SHARED } });
  mode(1);
  yield summed(factors);
  mode(2);
}

/** @throws InputError for recipes whose steps cannot be shared: they compare features by statistics of a whole batch */
export function assertShareable(recipe: Recipe, shares: number): void {
  if (shares === 1) return;
  const field = batchStatistic(recipe);
  if (field === null) return;
  throw new InputError(
    `recipe ${recipe.name}: ${field} goes by statistics of all images of a step, which processes that share it do not exchange; train in one process, or take another recipe.`,
  );
}

/** The field that compares features by statistics of all images computed together; null where there is none. */
export function batchStatistic({ cross, imitation }: Recipe): string | null {
  const { method, norm, weight } = imitation;
  if (cross.convolutions > 0) return 'cross.convolutions';
  if (weight > 0 && ['pkd', 'gibox'].includes(method)) return `imitation.method ${method}`;
  return weight > 0 && norm === 'batch' ? 'imitation.norm batch' : null;
}
