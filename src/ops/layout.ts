import { emptyLike } from '../autograd/sum.js';
import { Variable } from '../autograd/variable.js';
import { assertShape, sizeOf, type Tensor } from '../tensor/tensor.js';
import { InputError } from '../util/error.js';
import { axisOf, replaced, stepsOf, turned } from './dimensions.js';
import { storedAlike } from './storedAlike.js';
import { stridedCopy, stridedFill } from './stridedCopy.js';

/** The same elements under another shape: a view, which lives as long as `x`. @throws InputError for another number of elements */
export function reshape(x: Variable, shape: readonly number[]): Variable {
  assertShape('shape', shape);
  if (sizeOf(shape) !== x.value.size) {
    throw new InputError(`shape: [${shape}] has ${sizeOf(shape)} elements; x of shape [${x.value.shape}] has others.`);
  }
  return Variable.from(x.value.view(shape), [x], (incoming) => [incoming]);
}

/**
 * Axes in another order: axis i of the result is axis perm[i] of `x`.
 * @throws InputError when `perm` does not name each axis once
 */
export function transpose(x: Variable, perm: readonly number[]): Variable {
  const { shape, device, type } = x.value;
  const sorted = [...perm].sort((a, b) => a - b);
  if (perm.length !== shape.length || sorted.some((axis, i) => axis !== i)) {
    throw new InputError(`perm: [${perm}] does not name each axis of x of shape [${shape}] once.`);
  }
  const output = device.empty(
    perm.map((axis) => shape[axis]),
    type,
  );
  const from = stepsOf(shape);
  const to = stepsOf(output.shape);
  stridedCopy('transpose', x.value, output, {
    walks: perm.map((axis, i) => ({ extent: shape[axis], steps: [from[axis], to[i]] })),
  });
  return Variable.from(output, [x], (incoming) => {
    const gradient = emptyLike(x.value);
    stridedCopy('transpose', incoming, gradient, {
      walks: shape.map((extent, axis) => ({ extent, steps: [to[perm.indexOf(axis)], from[axis]] })),
    });
    return [gradient];
  });
}

/**
 * Tensors one after another along an axis; in f16 where any is.
 * @param axis −1 is the last
 * @throws InputError when there are none, or their other extents differ
 */
export function concat(xs: readonly Variable[], axis: number): Variable {
  if (xs.length === 0) throw new InputError('xs: none; expected at least one tensor.');
  const [{ value: first }] = xs;
  const along = axisOf('axis', axis, first.shape.length);
  for (const [i, { value }] of xs.entries()) {
    if (value.shape.length === first.shape.length && first.shape.every((e, d) => d === along || e === value.shape[d]))
      continue;
    throw new InputError(
      `xs[${i}]: shape [${value.shape}] differs from [${first.shape}] in more than its extent along axis ${along}.`,
    );
  }
  const total = xs.reduce((sum, { value }) => sum + value.shape[along], 0);
  const whole = replaced(first.shape, along, total);
  const to = stepsOf(whole);
  let start = 0;
  const parts = xs.map(({ value: { shape } }) => {
    const at = start * to[along];
    start += shape[along];
    const own = stepsOf(shape);
    return { shape, at, walks: shape.map((extent, d) => ({ extent, steps: [own[d], to[d]] })) };
  });
  return storedAlike(xs, (alike, type) => {
    const output = first.device.empty(whole, type);
    for (const [i, { at, walks }] of parts.entries()) {
      stridedCopy('concat', alike[i].value, output, { walks, firstOut: at });
    }
    return Variable.from(output, alike, (incoming) =>
      parts.map(({ shape, at, walks }, i) => {
        if (!alike[i].requiresGradient) return null;
        const gradient = first.device.empty(shape, type);
        stridedCopy('concat', incoming, gradient, { walks: walks.map(turned), firstIn: at });
        return gradient;
      }),
    );
  });
}

/**
 * `sizes` entries of each axis from `starts` on, every `steps`-th.
 * @param steps default 1; negative ones go backwards
 * @throws InputError when an entry lies outside of `x`
 */
export function slice(
  x: Variable,
  starts: readonly number[],
  sizes: readonly number[],
  steps: readonly number[] = starts.map(() => 1),
): Variable {
  const { shape, device, type } = x.value;
  assertShape('sizes', sizes);
  for (const [name, list] of Object.entries({ starts, sizes, steps })) {
    if (list.length === shape.length && list.every(Number.isSafeInteger)) continue;
    throw new InputError(`${name}: [${list}]; expected an integer for each axis of x of shape [${shape}].`);
  }
  for (const [axis, extent] of shape.entries()) {
    const last = starts[axis] + (sizes[axis] - 1) * steps[axis];
    const inside = Math.min(starts[axis], last) >= 0 && Math.max(starts[axis], last) < extent;
    if (sizes[axis] === 0 || (inside && steps[axis] !== 0)) continue;
    throw new InputError(
      `slice: ${sizes[axis]} entries from ${starts[axis]} by ${steps[axis]} along axis ${axis}, which has ${extent}.`,
    );
  }
  const from = stepsOf(shape);
  const output = device.empty(sizes, type);
  const to = stepsOf(sizes);
  const firstIn = starts.reduce((sum, start, d) => sum + start * from[d], 0);
  const walks = sizes.map((extent, d) => ({ extent, steps: [steps[d] * from[d], to[d]] }));
  stridedCopy('slice', x.value, output, { walks, firstIn });
  return Variable.from(output, [x], (incoming) => {
    const whole = sizeOf(sizes) === sizeOf(shape);
    const gradient = whole ? emptyLike(x.value) : device.zeros(shape, type);
    stridedCopy('slice', incoming, gradient, { walks: walks.map(turned), firstOut: firstIn });
    return [gradient];
  });
}

/**
 * A constant value around `x`.
 * @param before entries in front, of each axis
 * @param after entries behind, of each axis
 * @throws InputError when a list has not an entry of 0 or more for each axis
 */
export function pad(x: Variable, before: readonly number[], after: readonly number[], value = 0): Variable {
  const { shape, device, type } = x.value;
  for (const [name, list] of Object.entries({ before, after })) {
    assertShape(name, list);
    if (list.length === shape.length) continue;
    throw new InputError(`${name}: [${list}]; expected a number for each axis of x of shape [${shape}].`);
  }
  const padded = shape.map((extent, d) => before[d] + extent + after[d]);
  const output = value === 0 ? device.zeros(padded, type) : filled(x.value, padded, value);
  const own = stepsOf(shape);
  const to = stepsOf(padded);
  const firstOut = before.reduce((sum, count, d) => sum + count * to[d], 0);
  const walks = shape.map((extent, d) => ({ extent, steps: [own[d], to[d]] }));
  stridedCopy('pad', x.value, output, { walks, firstOut });
  return Variable.from(output, [x], (incoming) => {
    const gradient = emptyLike(x.value);
    stridedCopy('pad', incoming, gradient, { walks: walks.map(turned), firstIn: firstOut });
    return [gradient];
  });
}

function filled({ device, type }: Tensor, shape: readonly number[], value: number): Tensor {
  const output = device.empty(shape, type);
  stridedFill('pad', output, value, { walks: [{ extent: output.size, steps: [0, 1] }] });
  return output;
}
