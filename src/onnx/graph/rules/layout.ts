import type { Variable } from '../../../autograd/variable.js';
import { multiply } from '../../../ops/binary.js';
import { split } from '../../../ops/distribute.js';
import { concat, pad, reshape, slice, transpose } from '../../../ops/layout.js';
import { hostTensor, sizeOfShape } from '../host.js';
import { NodeFault, type NodeView, type Part, type Rule, single } from '../nodeView.js';
import {
  concatShape,
  expandShape,
  flattenShape,
  reshapeShape,
  sliceRanges,
  squeezeShape,
  transposePerm,
  unsqueezeShape,
} from '../shapes.js';

/** Indices of a Gather that become slices. */
const MAX_GATHERED = 64;

/** Operators that move values about. */
export const LAYOUT: Record<string, Rule> = {
  Reshape: reshaping(reshapeShape),
  Flatten: reshaping(flattenShape),
  Squeeze: reshaping(squeezeShape),
  Unsqueeze: reshaping(unsqueezeShape),
  Transpose: (view) => {
    const perm = transposePerm(view);
    const shape = perm.map((axis) => view.shape(0)[axis]);
    return { ...single(shape, [0], (x) => transpose(x, perm)), traits: { perm } };
  },
  Concat: (view) => {
    const axis = view.axis(view.number('axis', 1));
    const shape = concatShape(view, axis);
    const inputs = Array.from({ length: view.count }, (_, input) => input);
    // Empty parts are none.
    const operands = inputs.filter((input) => sizeOfShape(view.shape(input)) > 0);
    return { ...single(shape, operands, (...parts) => concat(parts, axis)), traits: { axis } };
  },
  Split: (view) => {
    const shape = view.shape(0);
    const axis = view.axis(view.number('axis', 0));
    const { outputs } = view.node;
    const extent = shape[axis];
    const each = Math.ceil(extent / view.number('num_outputs', outputs.length));
    const sizes = view.listOr('split', 1) ?? outputs.map((_, i) => Math.min(each, extent - i * each));
    const total = sizes.reduce((sum, size) => sum + size, 0);
    if (sizes.length !== outputs.length || total !== extent)
      throw new NodeFault(`${extent} are not split into ${sizes}`);
    const shapes = sizes.map((size) => shape.map((one, i) => (i === axis ? size : one)));
    const filled = sizes.filter((size) => size > 0);
    return {
      shapes,
      operands: [0],
      traits: { axis },
      run: ([x]) => {
        const parts = split(x, filled, axis);
        return sizes.map((size) => (size > 0 ? (parts.shift() ?? x) : part(x, axis, 0, size)));
      },
    };
  },
  Slice: (view) => {
    const { starts, sizes, steps } = sliceRanges(view);
    if (steps.some((step) => step < 1)) throw new NodeFault(`its steps are [${steps}]; only positive ones are read`);
    assertWholeBatch(view, sizes[0]);
    if (sizes.join() === view.shape(0).join()) return 'pass';
    return {
      ...single(sizes, [0], (x) => slice(x, starts, sizes, steps)),
      traits: { part: partOf(view.shape(0), starts, sizes, steps) },
    };
  },
  Gather: (view) => {
    const shape = view.shape(0);
    const axis = view.axis(view.number('axis', 0));
    const { shape: by, data } = view.constant(1);
    const indices = Array.from(data, (index) => view.axis(index, shape[axis]));
    if (axis === 0) assertWholeBatch(view, indices.length);
    if (indices.length > MAX_GATHERED)
      throw new NodeFault(`it gathers ${indices.length} slices; at most ${MAX_GATHERED} are read`);
    const result = [...shape.slice(0, axis), ...by, ...shape.slice(axis + 1)];
    return single(result, [0], (x) => {
      const parts = indices.map((index) => part(x, axis, index, 1));
      return reshape(parts.length === 1 ? parts[0] : concat(parts, axis), result);
    });
  },
  Pad: (view) => {
    view.only('mode', 'constant');
    const shape = view.shape(0);
    const pads = view.listOr('pads', 1) ?? [];
    const axes = view.has(3) ? view.numbers(3).map((axis) => view.axis(axis)) : shape.map((_, axis) => axis);
    const value = view.has(2) ? view.numbers(2)[0] : view.number('value', 0);
    const [before, after] = [shape.map(() => 0), shape.map(() => 0)];
    for (const [i, axis] of axes.entries()) [before[axis], after[axis]] = [pads[i], pads[axes.length + i]];
    if ([...before, ...after].some((one) => one < 0)) throw new NodeFault('it crops; only pads of 0 or more are read');
    if ([...before, ...after].every((one) => one === 0)) return 'pass';
    const padded = shape.map((extent, axis) => before[axis] + extent + after[axis]);
    return single(padded, [0], (x) => pad(x, before, after, value));
  },
  Expand: (view) => {
    const shape = expandShape(view);
    if (shape.join() === view.shape(0).join()) return 'pass';
    const ones = hostTensor('float', shape, new Float32Array(sizeOfShape(shape)).fill(1));
    return single(shape, [0, ones], multiply);
  },
  DepthToSpace: (view) => {
    const [batch, channels, height, width] = view.map(0);
    const block = view.number('blocksize', 1);
    const depth = channels / block ** 2;
    const isDepthFirst = view.text('mode', 'DCR') === 'DCR';
    const split = isDepthFirst
      ? [batch, block, block, depth, height, width]
      : [batch, depth, block, block, height, width];
    const perm = isDepthFirst ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3];
    const shape = [batch, depth, height * block, width * block];
    return single(shape, [0], (x) => reshape(transpose(reshape(x, split), perm), shape));
  },
  SpaceToDepth: (view) => {
    const [batch, channels, height, width] = view.map(0);
    const block = view.number('blocksize', 1);
    const split = [batch, channels, height / block, block, width / block, block];
    const shape = [batch, channels * block ** 2, height / block, width / block];
    return single(shape, [0], (x) => reshape(transpose(reshape(x, split), [0, 3, 5, 1, 2, 4]), shape));
  },
};

function reshaping(shapeOf: (view: NodeView) => number[]): Rule {
  return (view) => {
    const shape = shapeOf(view);
    return shape.join() === view.shape(0).join() ? 'pass' : single(shape, [0], (x) => reshape(x, shape));
  };
}

/** The axis that a slice cuts, and where, if it is one alone and nothing is left out in between. */
function partOf(shape: readonly number[], starts: number[], sizes: number[], steps: number[]): Part | undefined {
  const cut = shape.flatMap((extent, axis) => (sizes[axis] === extent ? [] : [axis]));
  const [axis] = cut;
  return cut.length === 1 && steps[axis] === 1 && sizes[axis] > 0
    ? { axis, start: starts[axis], size: sizes[axis], extent: shape[axis] }
    : undefined;
}

function part(x: Variable, axis: number, start: number, size: number): Variable {
  const { shape } = x.value;
  const starts = shape.map((_, i) => (i === axis ? start : 0));
  const sizes = shape.map((extent, i) => (i === axis ? size : extent));
  return slice(
    x,
    starts,
    sizes,
    shape.map(() => 1),
  );
}

/** A file for one image that takes the first of a batch would leave the others out. */
function assertWholeBatch(view: NodeView, taken: number): void {
  if (view.rebatch && view.shape(0)[0] === view.rebatch.to && taken !== view.rebatch.to) {
    throw new NodeFault(
      `it takes ${taken} of the batch; use a batch of ${view.rebatch.from}, or export with an open one`,
    );
  }
}
