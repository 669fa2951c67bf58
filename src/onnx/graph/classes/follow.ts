import { broadcast, type Edge } from '../host.js';
import { NodeFault, NodeView } from '../nodeView.js';
import type { GraphNode } from '../parse.js';
import type { ReadGraph } from '../regions.js';
import { sliceRanges, transposePerm } from '../shapes.js';
import { type Axes, type Band, cut, isSame, joined, newExtent, newPosition, oldExtent, reshapedAxes } from './bands.js';

/** What a node needs when the number of classes changes: other numbers in an attribute, or in a new constant as an input. */
interface NodeChange {
  /** Lists of whole numbers by attribute; null: left out. */
  attributes: Map<string, readonly number[] | null>;
  /** Whole numbers by input. */
  inputs: Map<number, readonly number[]>;
}

/** How a tensor changes; `unknown` behind a node that is not understood. */
export type Change = Axes | 'unknown';

/** What becomes of a node's outputs, and of itself. */
interface Followed {
  outputs: (Change | null)[];
  change?: NodeChange;
}

/** A node and how its inputs change. */
interface Visit {
  view: NodeView;
  /** Null where an input stays as it is. */
  inputs: readonly (Axes | null)[];
  graph: ReadGraph;
}

const SAME = [
  ...[
    'Identity',
    'Dropout',
    'Cast',
    'Relu',
    'LeakyRelu',
    'Sigmoid',
    'Tanh',
    'Softplus',
    'Softmax',
    'LogSoftmax',
    'Exp',
    'Log',
  ],
  ...[
    'Sqrt',
    'Neg',
    'Abs',
    'Reciprocal',
    'Floor',
    'Ceil',
    'Round',
    'Clip',
    'Erf',
    'Gelu',
    'Mish',
    'HardSwish',
    'HardSigmoid',
  ],
];
const BROADCAST = [
  ...['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Min', 'Max', 'Sum', 'Where', 'PRelu'],
  ...['Equal', 'Less', 'Greater', 'LessOrEqual', 'GreaterOrEqual', 'And', 'Or'],
];
const REDUCTIONS = ['ReduceMax', 'ReduceMean', 'ReduceMin', 'ReduceSum', 'ArgMax', 'ArgMin'];

/**
 * Follows a changed number of classes through a node.
 * @param inputs how its inputs change; null where they do not
 * @returns how its outputs change, and what the node needs for that
 * @throws NodeFault where it cannot work with another number of classes
 */
export function follow(node: GraphNode, inputs: readonly (Change | null)[], graph: ReadGraph): Followed {
  const all = (change: Change | null) => ({ outputs: node.outputs.map(() => change) });
  // A shape and its size follow by themselves.
  if (node.operator === 'Shape' || node.operator === 'Size') return all(null);
  if (inputs.includes('unknown') || !node.outputs.every((output) => output === '' || graph.values.has(output)))
    return all('unknown');
  const visit: Visit = {
    view: new NodeView(node, graph.values, graph),
    inputs: inputs as readonly (Axes | null)[],
    graph,
  };
  if (SAME.includes(node.operator)) return all(inputs[0]);
  if (BROADCAST.includes(node.operator)) return all(broadcastAxes(visit));
  if (REDUCTIONS.includes(node.operator)) return { outputs: [reduced(visit)] };
  return Object.hasOwn(RULES, node.operator) ? RULES[node.operator](visit) : all('unknown');
}

const RULES: Record<string, (visit: Visit) => Followed> = {
  Conv: (visit) => ({ outputs: [product(visit, { from: 0, to: 1, rank: 4 })] }),
  Gemm: (visit) => {
    const { view } = visit;
    return { outputs: [product(visit, { from: view.number('transB', 0) === 1 ? 0 : 1, to: 1, rank: 2 })] };
  },
  MatMul: (visit) => {
    const { view, inputs } = visit;
    const rank = view.shape(0).length;
    if (!inputs[1]) {
      const axes = inputs[0] ?? [];
      if (axes[rank - 1]) throw needsClasses();
      return { outputs: [[...axes]] };
    }
    return { outputs: [product(visit, { from: view.shape(1).length - 1, to: rank - 1, rank })] };
  },
  Transpose: ({ view, inputs: [axes] }) => ({ outputs: [transposePerm(view).map((axis) => axes?.[axis] ?? null)] }),
  Concat: ({ view, inputs }) => {
    const axis = view.axis(view.number('axis', 1));
    const parts = inputs.map((axes, i) => axes?.[axis] ?? [{ old: view.shape(i)[axis], new: view.shape(i)[axis] }]);
    const rank = view.shape(0).length;
    const others = Array.from({ length: rank }, (_, i) =>
      i === axis ? null : agreed(inputs.map((axes) => axes?.[i] ?? null)),
    );
    return { outputs: [others.map((own, i) => (i === axis ? changed(joined(parts)) : own))] };
  },
  Split: split,
  Slice: slice,
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Gather: ({ view, inputs: [axes] }) => {
    const axis = view.axis(view.number('axis', 0));
    const bands = axes?.[axis];
    if (bands) {
      const places = view.numbers(1).map((index) => view.axis(index, oldExtent(bands)));
      if (places.some((place) => newPosition(bands, place) !== place))
        throw new NodeFault('it gathers behind or among the classes');
    }
    const kept = axes ?? view.shape(0).map(() => null);
    return { outputs: [[...kept.slice(0, axis), ...view.shape(1).map(() => null), ...kept.slice(axis + 1)]] };
  },
};

function needsClasses(): NodeFault {
  return new NodeFault('its weights belong to the classes of the model');
}

/** Null where nothing changes. */
function changed(bands: readonly Band[]): readonly Band[] | null {
  return isSame(bands) ? null : bands;
}

/** What several inputs say of one axis. @throws NodeFault where they differ */
function agreed(axes: readonly (readonly Band[] | null)[]): readonly Band[] | null {
  const [first, ...others] = axes.map((bands) => (bands ? joined([bands]) : null));
  if (others.some((bands) => JSON.stringify(bands) !== JSON.stringify(first))) {
    throw new NodeFault('one of its inputs has a number for each class of the model');
  }
  return first;
}

/** Outputs of a convolution or a product follow those of its weight and of its bias. */
function product({ view, inputs }: Visit, { from, to, rank }: { from: number; to: number; rank: number }): Axes {
  const [x, weight] = inputs;
  const bands = weight?.[from] ?? null;
  if (x?.some((own) => own !== null) || weight?.some((own, axis) => axis !== from && own !== null))
    throw needsClasses();
  if (view.has(2) && view.shape(2).at(-1) !== 1) agreed([bands, inputs[2]?.at(-1) ?? null]);
  return Array.from({ length: rank }, (_, axis) => (axis === to ? bands : null));
}

function broadcastAxes({ view, inputs }: Visit): Axes {
  const shapes = inputs.map((_, i) => view.shape(i));
  const shape = broadcast(shapes) ?? [];
  return shape.map((extent, axis) => {
    const own = shapes.flatMap((one, i) => {
      const place = axis - shape.length + one.length;
      // What is repeated has any number of elements.
      const isWhole = place >= 0 && one[place] === extent && (extent !== 1 || inputs[i]?.[place]);
      return isWhole ? [inputs[i]?.[place] ?? null] : [];
    });
    return own.length > 0 ? agreed(own) : null;
  });
}

function reduced({ view, inputs: [axes] }: Visit): Axes {
  const isArg = view.node.operator.startsWith('Arg');
  const given = isArg ? [view.number('axis', 0)] : (view.listOr('axes', 1) ?? view.shape(0).map((_, axis) => axis));
  const gone = given.map((axis) => view.axis(axis));
  const keeps = view.number('keepdims', 1) === 1;
  return (axes ?? []).flatMap((own, axis) => (gone.includes(axis) ? (keeps ? [null] : []) : [own]));
}

function split({ view, inputs: [axes], graph }: Visit): Followed {
  const axis = view.axis(view.number('axis', 0));
  const { outputs } = view.node;
  const bands = axes?.[axis];
  if (!axes || !bands) return { outputs: outputs.map(() => axes) };
  let start = 0;
  const parts = outputs.map((output) => {
    const size = graph.values.get(output)?.shape[axis] ?? 0;
    start += size;
    return cut(bands, start - size, start);
  });
  const sizes = parts.map(newExtent);
  const isInput = view.opset >= 13;
  const attributes = new Map<string, readonly number[] | null>(isInput ? [] : [['split', sizes]]);
  if (view.node.attributes.has('num_outputs')) attributes.set('num_outputs', null);
  return {
    outputs: parts.map((part) => axes.map((own, i) => (i === axis ? changed(part) : own))),
    change: { attributes, inputs: new Map(isInput ? [[1, sizes]] : []) },
  };
}

function slice({ view, inputs: [axes] }: Visit): Followed {
  const { starts, sizes, steps } = sliceRanges(view);
  const shape = view.shape(0);
  const given = [view.listOr('starts', 1) ?? [], view.listOr('ends', 2) ?? []];
  const along = (view.listOr('axes', 3) ?? given[0].map((_, i) => i)).map((axis) => view.axis(axis));
  const places = given.map((list) => [...list]);
  const result = (axes ?? []).map((bands, axis) => {
    if (!bands || (starts[axis] === 0 && sizes[axis] === shape[axis] && !along.includes(axis))) return bands;
    if (steps[axis] !== 1) throw new NodeFault(`it takes every ${steps[axis]}th of what depends on the classes`);
    const part = cut(bands, starts[axis], starts[axis] + sizes[axis]);
    const i = along.indexOf(axis);
    places[0][i] = newPosition(bands, starts[axis]);
    // An end beyond the end stays so.
    if (given[1][i] < shape[axis]) places[1][i] = newPosition(bands, starts[axis] + sizes[axis]);
    return changed(part);
  });
  if (places.every((list, i) => list.join() === given[i].join())) return { outputs: [result] };
  const isInput = view.has(1);
  return {
    outputs: [result],
    change: {
      attributes: new Map(
        isInput
          ? []
          : [
              ['starts', places[0]],
              ['ends', places[1]],
            ],
      ),
      inputs: new Map(
        isInput
          ? [
              [1, places[0]],
              [2, places[1]],
            ]
          : [],
      ),
    },
  };
}

/** Reshape, and what is a Reshape without a target. */
function reshape({ view, inputs: [axes], graph }: Visit): Followed {
  const { operator, outputs, inputs } = view.node;
  const [from, to] = [view.shape(0), graph.values.get(outputs[0])?.shape ?? []];
  const result = reshapedAxes(axes ?? [], from, to);
  if (operator !== 'Reshape') return { outputs: [result] };
  const maker = graph.makers.get(inputs[1]);
  // What is computed from shapes may hold for any size of the images.
  const isComputed = maker !== undefined && maker.operator !== 'Constant';
  const given = view.numbers(1);
  const isKept = (axis: number) => axis < from.length && from[axis] === to[axis] && !axes?.[axis] && !result[axis];
  const open = to.flatMap((_, axis) => (result[axis] || isKept(axis) ? [] : [axis]));
  const target = given.map((extent, axis) => {
    const bands = result[axis];
    const copies = extent === 0 && JSON.stringify(bands) === JSON.stringify(axes?.[axis] ?? null);
    if (!isComputed && (extent === -1 || copies)) return extent;
    if (bands) return newExtent(bands);
    if (!isComputed) return extent === 0 ? to[axis] : extent;
    return isKept(axis) ? 0 : open.length === 1 ? -1 : extent;
  });
  if (target.join() === given.join()) return { outputs: [result] };
  return { outputs: [result], change: { attributes: new Map(), inputs: new Map([[1, target]]) } };
}

/** Whether a tensor changes at all. */
export function isChanged(change: Change | null | undefined): change is Change {
  return change === 'unknown' || !!change?.some((bands) => bands !== null);
}

/** Edges of a node in order, with how they change. */
export function changesOf(edges: readonly Edge[], changes: ReadonlyMap<Edge, Change>): (Change | null)[] {
  return edges.map((edge) => changes.get(edge) ?? null);
}
