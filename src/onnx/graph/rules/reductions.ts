import type { Variable } from '../../../autograd/variable.js';
import { multiply } from '../../../ops/binary.js';
import { reshape, transpose } from '../../../ops/layout.js';
import { maxPool2d, reduceMean } from '../../../ops/pooling.js';
import { sqrt } from '../../../ops/unary.js';
import { type HostTensor, hostTensor, sizeOfShape } from '../host.js';
import { NodeFault, type Rule, single } from '../nodeView.js';

/** Operators that leave one element of some axes. */
export const REDUCTIONS: Record<string, Rule> = {
  ReduceMean: reduced(
    () => [],
    (x, axes) => reduceMean(x, axes, true),
  ),
  ReduceSum: reduced(
    (count) => [scalar(count)],
    (x, axes, count) => multiply(reduceMean(x, axes, true), count),
  ),
  ReduceL2: reduced(
    (count) => [scalar(count)],
    (x, axes, count) => sqrt(multiply(reduceMean(multiply(x, x), axes, true), count)),
  ),
  ReduceMax: reduced(() => [], largest),
  ReduceMin: reduced(
    () => [scalar(-1)],
    (x, axes, minus) => multiply(largest(multiply(x, minus), axes), minus),
  ),
};

/**
 * @param constants of the operation, by the number of elements that become one
 * @param reduce may leave the axes with extent 1
 */
function reduced(
  constants: (count: number) => HostTensor[],
  reduce: (x: Variable, axes: readonly number[], ...constants: Variable[]) => Variable,
): Rule {
  return (view) => {
    const shape = view.shape(0);
    const given = view.listOr('axes', 1);
    const isAll = (given ?? []).length === 0;
    if (view.number('noop_with_empty_axes', 0) === 1 && isAll) return 'pass';
    const axes = isAll ? shape.map((_, axis) => axis) : (given ?? []).map((axis) => view.axis(axis));
    if (view.rebatch && axes.includes(0)) throw new NodeFault('it reduces the batch');
    const isKept = view.number('keepdims', 1) === 1;
    const kept = shape.flatMap((extent, axis) => (axes.includes(axis) ? (isKept ? [1] : []) : [extent]));
    const count = axes.reduce((product, axis) => product * shape[axis], 1);
    return single(kept, [0, ...constants(count)], (x, ...more) => reshape(reduce(x, axes, ...more), kept));
  };
}

/** The largest over some axes, as a pooling whose window has all of them. */
function largest(x: Variable, axes: readonly number[]): Variable {
  const { shape } = x.value;
  const others = shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const count = sizeOfShape(axes.map((axis) => shape[axis]));
  const left = others.map((axis) => shape[axis]);
  const columns = reshape(transpose(x, [...others, ...axes]), [sizeOfShape(left), 1, count, 1]);
  return maxPool2d(columns, { kernel: [count, 1], strides: [1, 1], pads: [0, 0, 0, 0] });
}

function scalar(value: number): HostTensor {
  return hostTensor('float', [], [value]);
}
