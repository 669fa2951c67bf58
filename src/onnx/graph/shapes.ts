import { broadcast, sizeOfShape } from './host.js';
import { NodeFault, type NodeView } from './nodeView.js';

// Shapes of nodes that move values about, for constants and for tensors of the GPU alike.

/** Of Concat. */
export function concatShape(view: NodeView, axis: number): number[] {
  const shapes = Array.from({ length: view.count }, (_, input) => view.shape(input));
  const [first] = shapes;
  const fits = (shape: readonly number[]) =>
    shape.length === first.length && shape.every((extent, i) => i === axis || extent === first[i]);
  if (!shapes.every(fits)) {
    throw new NodeFault(`the shapes ${shapes.map((shape) => `[${shape}]`).join(', ')} do not join along axis ${axis}`);
  }
  return first.map((extent, i) => (i === axis ? shapes.reduce((sum, shape) => sum + shape[i], 0) : extent));
}

/** Of Reshape. A batch that the file fixed is replaced by the one in use. */
export function reshapeShape(view: NodeView): number[] {
  const shape = view.shape(0);
  const keepsZero = view.number('allowzero', 0) === 1;
  const target = view.numbers(1).map((extent, axis) => (extent === 0 && !keepsZero ? shape[axis] : extent));
  const { rebatch } = view;
  const isOfBatch = rebatch && view.value(0).constant === null && shape[0] === rebatch.to;
  if (isOfBatch && target[0] === rebatch.from) target[0] = rebatch.to;
  const known = target.reduce((product, extent) => (extent === -1 ? product : product * extent), 1);
  const size = sizeOfShape(shape);
  const result = target.map((extent) => (extent === -1 ? size / known : extent));
  if (sizeOfShape(result) !== size || !result.every(Number.isSafeInteger)) {
    throw new NodeFault(`[${shape}] cannot become [${target}]`);
  }
  return result;
}

/** Of Flatten. */
export function flattenShape(view: NodeView): number[] {
  const shape = view.shape(0);
  const axis = view.number('axis', 1);
  const split = axis < 0 ? axis + shape.length : axis;
  return [sizeOfShape(shape.slice(0, split)), sizeOfShape(shape.slice(split))];
}

/** Of Squeeze. */
export function squeezeShape(view: NodeView): number[] {
  const shape = view.shape(0);
  const axes = view.listOr('axes', 1)?.map((axis) => view.axis(axis));
  const gone = axes ?? shape.flatMap((extent, axis) => (extent === 1 ? [axis] : []));
  if (gone.some((axis) => shape[axis] !== 1)) throw new NodeFault(`axes ${gone} of [${shape}] are not all 1`);
  return shape.filter((_, axis) => !gone.includes(axis));
}

/** Of Unsqueeze. */
export function unsqueezeShape(view: NodeView): number[] {
  const rest = [...view.shape(0)];
  const axes = view.listOr('axes', 1) ?? [];
  const rank = rest.length + axes.length;
  const added = axes.map((axis) => view.axis(axis, rank));
  return Array.from({ length: rank }, (_, axis) => (added.includes(axis) ? 1 : (rest.shift() ?? 1)));
}

/** Of Transpose: the source's axis of each of the result. */
export function transposePerm(view: NodeView): number[] {
  return view.list('perm') ?? view.shape(0).map((_, axis, shape) => shape.length - 1 - axis);
}

/** Of Expand. */
export function expandShape(view: NodeView): number[] {
  const shape = broadcast([view.shape(0), view.numbers(1)]);
  if (!shape) throw new NodeFault(`[${view.shape(0)}] does not expand to [${view.numbers(1)}]`);
  return shape;
}

/** Of Slice: along every axis, where it starts, how many elements it takes, and how far they are apart. */
export function sliceRanges(view: NodeView): { starts: number[]; sizes: number[]; steps: number[] } {
  const shape = view.shape(0);
  const [from, to] = [view.listOr('starts', 1) ?? [], view.listOr('ends', 2) ?? []];
  const axes = (view.listOr('axes', 3) ?? from.map((_, i) => i)).map((axis) => view.axis(axis));
  const by = view.has(4) ? view.numbers(4) : axes.map(() => 1);
  const [starts, sizes, steps] = [shape.map(() => 0), [...shape], shape.map(() => 1)];
  for (const [i, axis] of axes.entries()) {
    const extent = shape[axis];
    const [step, isBackwards] = [by[i], by[i] < 0];
    const clamped = (place: number) =>
      Math.min(Math.max(place < 0 ? place + extent : place, isBackwards ? -1 : 0), isBackwards ? extent - 1 : extent);
    // A start before the first element of a slice that runs backwards is nothing of use.
    starts[axis] = clamped(from[i]);
    steps[axis] = step;
    sizes[axis] = Math.max(0, Math.ceil((clamped(to[i]) - starts[axis]) / step));
  }
  return { starts, sizes, steps };
}
