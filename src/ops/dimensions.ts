import { InputError } from '../util/error.js';

/** Dimensions that kernels walk over. */
export const MAX_DIMENSIONS = 6;

/** A dimension that a kernel walks along, with the elements of a step in each of the tensors. */
export interface Walk {
  extent: number;
  steps: readonly number[];
}

/** Elements from one entry to the next along each dimension of a row-major shape. */
export function stepsOf(shape: readonly number[]): number[] {
  const steps = shape.map(() => 1);
  let step = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    steps[d] = step;
    step *= shape[d];
  }
  return steps;
}

/** A list with another value at one place. */
export function replaced<T>(list: readonly T[], place: number, value: T): T[] {
  return list.map((own, i) => (i === place ? value : own));
}

/** The same walk in as few dimensions as possible. @throws InputError when more than six are left */
export function merged(name: string, walks: readonly Walk[]): Walk[] {
  const kept: Walk[] = [];
  for (const walk of walks) {
    if (walk.extent === 1) continue;
    const before = kept.at(-1);
    if (before?.steps.every((step, i) => step === walk.extent * walk.steps[i])) {
      kept[kept.length - 1] = { extent: before.extent * walk.extent, steps: walk.steps };
    } else {
      kept.push(walk);
    }
  }
  if (kept.length > MAX_DIMENSIONS) {
    throw new InputError(`${name}: ${kept.length} dimensions that cannot be joined; at most ${MAX_DIMENSIONS}.`);
  }
  return kept;
}

/** The walk of the copy back. */
export function turned({ extent, steps: [from, to] }: Walk): Walk {
  return { extent, steps: [to, from] };
}

/** Values of each dimension for a uniform of two vec4: missing dimensions have `rest`. */
export function table(values: readonly number[], rest: number): number[] {
  return Array.from({ length: 8 }, (_, i) => values[i] ?? rest);
}

/** An axis counted from the front; −1 is the last. @throws InputError when the shape has no such axis */
export function axisOf(name: string, axis: number, dimensions: number): number {
  if (Number.isInteger(axis) && axis >= -dimensions && axis < dimensions) return axis < 0 ? axis + dimensions : axis;
  throw new InputError(`${name}: ${axis}; expected an axis of ${dimensions} dimensions.`);
}
