import { broadcast, expanded, type HostTensor, hostTensor, picked, reshaped, sizeOfShape, stridesOf } from './host.js';
import { NodeFault, type NodeView } from './nodeView.js';
import {
  concatShape,
  expandShape,
  flattenShape,
  reshapeShape,
  sliceRanges,
  squeezeShape,
  transposePerm,
  unsqueezeShape,
} from './shapes.js';

type Fold = (view: NodeView) => HostTensor;

/** Larger results of arithmetic are left to the GPU. */
const MAX_ELEMENTS = 2 ** 24;

/**
 * The output of a node whose inputs are all constants, computed on the host: what exporters leave of sizes, axes and grids.
 * @returns null where the operator is not among these, or it has several outputs
 */
export function fold(view: NodeView): HostTensor | null {
  const { operator, outputs } = view.node;
  const own = FOLDS.get(operator);
  if (!own || outputs.filter((name) => name !== '').length !== 1) return null;
  const result = own(view);
  if (result.data.length > MAX_ELEMENTS) throw new NodeFault(`its constant result has ${result.data.length} elements`);
  return result;
}

/** Operators that need no values of their inputs, only shapes. */
export const OF_SHAPES: readonly string[] = ['Shape', 'Size'];

const BY_OPERATOR: Record<string, Fold> = {
  Constant: (view) => {
    view.ignore('value', 'value_float', 'value_floats', 'value_int', 'value_ints');
    const tensor = view.tensor('value');
    if (tensor) return tensor;
    const { attributes } = view.node;
    for (const type of ['float', 'integer'] as const) {
      const one = attributes.get(type === 'float' ? 'value_float' : 'value_int');
      if (typeof one === 'number') return hostTensor(type, [], [one]);
      const list = attributes.get(type === 'float' ? 'value_floats' : 'value_ints');
      if (Array.isArray(list)) return hostTensor(type, [list.length], list);
    }
    throw new NodeFault('its value is no tensor of numbers');
  },
  Shape: (view) => {
    const shape = view.shape(0);
    const [start, end] = [view.number('start', 0), view.number('end', shape.length)];
    const part = shape.slice(start, end);
    return hostTensor('integer', [part.length], part);
  },
  Size: (view) => hostTensor('integer', [], [sizeOfShape(view.shape(0))]),
  ConstantOfShape: (view) => {
    const value = view.tensor('value') ?? hostTensor('float', [1], [0]);
    const shape = view.numbers(0);
    return hostTensor(value.type, shape, new Float64Array(sizeOfShape(shape)).fill(value.data[0]));
  },
  Range: (view) => {
    const [start, limit, delta] = [0, 1, 2].map((input) => view.numbers(input)[0]);
    const count = Math.max(0, Math.ceil((limit - start) / delta));
    const values = Array.from({ length: count }, (_, i) => start + i * delta);
    return hostTensor(view.constant(0).type, [count], values);
  },
  Cast: (view) => {
    view.ignore('saturate');
    const { shape, data } = view.constant(0);
    return isFloatType(view.number('to', 1))
      ? hostTensor('float', shape, data)
      : hostTensor(
          'integer',
          shape,
          view.number('to', 1) === BOOL ? data.map((one) => +(one !== 0)) : data.map(Math.trunc),
        );
  },
  Gather: (view) => {
    const [source, indices] = [view.constant(0), view.constant(1)];
    const axis = view.axis(view.number('axis', 0));
    const { shape } = source;
    const after = sizeOfShape(shape.slice(axis + 1));
    const before = sizeOfShape(shape.slice(0, axis));
    const values: number[] = [];
    for (let outer = 0; outer < before; outer++) {
      for (const index of indices.data) {
        const at = (outer * shape[axis] + view.axis(index, shape[axis])) * after;
        for (let i = 0; i < after; i++) values.push(source.data[at + i]);
      }
    }
    return hostTensor(source.type, [...shape.slice(0, axis), ...indices.shape, ...shape.slice(axis + 1)], values);
  },
  Concat: (view) => {
    const tensors = Array.from({ length: view.count }, (_, input) => view.constant(input));
    const axis = view.axis(view.number('axis', 1));
    const shape = concatShape(view, axis);
    const rows = sizeOfShape(shape.slice(0, axis));
    const values: number[] = [];
    for (let row = 0; row < rows; row++) {
      for (const { data } of tensors) {
        const length = data.length / rows;
        for (let i = 0; i < length; i++) values.push(data[row * length + i]);
      }
    }
    return hostTensor(tensors[0].type, shape, values);
  },
  Slice: (view) => {
    const source = view.constant(0);
    const { starts, sizes, steps } = sliceRanges(view);
    const strides = stridesOf(source.shape);
    const first = starts.reduce((sum, start, axis) => sum + start * strides[axis], 0);
    return picked(
      source,
      sizes,
      strides.map((stride, axis) => stride * steps[axis]),
      first,
    );
  },
  Transpose: (view) => {
    const source = view.constant(0);
    const perm = transposePerm(view);
    const strides = stridesOf(source.shape);
    return picked(
      source,
      perm.map((axis) => source.shape[axis]),
      perm.map((axis) => strides[axis]),
    );
  },
  Expand: (view) => expanded(view.constant(0), expandShape(view)),
  Tile: (view) => {
    const [source, repeats] = [view.constant(0), view.numbers(1)];
    const shape = source.shape.map((extent, axis) => extent * repeats[axis]);
    const strides = stridesOf(source.shape);
    const own = stridesOf(shape);
    const values = Float64Array.from({ length: sizeOfShape(shape) }, (_, i) => {
      const places = shape.map(
        (extent, axis) => ((Math.floor(i / own[axis]) % extent) % source.shape[axis]) * strides[axis],
      );
      return source.data[places.reduce((sum, place) => sum + place, 0)];
    });
    return hostTensor(source.type, shape, values);
  },
  Identity: (view) => view.constant(0),
  Reshape: (view) => reshaped(view.constant(0), reshapeShape(view)),
  Flatten: (view) => reshaped(view.constant(0), flattenShape(view)),
  Squeeze: (view) => reshaped(view.constant(0), squeezeShape(view)),
  Unsqueeze: (view) => reshaped(view.constant(0), unsqueezeShape(view)),
  Add: binary((a, b) => a + b),
  Sub: binary((a, b) => a - b),
  Mul: binary((a, b) => a * b),
  // Whole numbers are divided towards zero.
  Div: binary((a, b, type) => (type === 'integer' ? Math.trunc(a / b) : a / b)),
  Mod: binary((a, b) => a - b * Math.floor(a / b), 'fmod'),
  Pow: binary((a, b) => a ** b),
  Min: nary((values) => Math.min(...values)),
  Max: nary((values) => Math.max(...values)),
  Equal: binary((a, b) => +(a === b)),
  Less: binary((a, b) => +(a < b)),
  Greater: binary((a, b) => +(a > b)),
  LessOrEqual: binary((a, b) => +(a <= b)),
  GreaterOrEqual: binary((a, b) => +(a >= b)),
  And: binary((a, b) => +(a !== 0 && b !== 0)),
  Or: binary((a, b) => +(a !== 0 || b !== 0)),
  Where: (view) => elementwise(view, ([where, yes, no]) => (where ? yes : no), view.constant(1).type),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
  Round: unary((a) => (2 * Math.round(a / 2) === a + 0.5 ? a - 0.5 : Math.round(a))),
  Sqrt: unary(Math.sqrt),
  Exp: unary(Math.exp),
  Log: unary(Math.log),
  Neg: unary((a) => -a),
  Abs: unary(Math.abs),
  Not: unary((a) => +(a === 0)),
  Reciprocal: unary((a) => 1 / a),
  ReduceProd: (view) => {
    const source = view.constant(0);
    view.ignore('axes', 'noop_with_empty_axes');
    if (source.shape.length > 1) throw new NodeFault('a product over some axes of a constant');
    const product = sizeOfShape([...source.data]);
    return hostTensor(source.type, view.number('keepdims', 1) ? source.shape.map(() => 1) : [], [product]);
  },
};

const FOLDS: ReadonlyMap<string, Fold> = new Map(Object.entries(BY_OPERATOR));

/** Operators that can be computed on the host. */
export const FOLDED: ReadonlySet<string> = new Set(FOLDS.keys());

const BOOL = 9;

/** onnx.TensorProto.DataType. */
export function isFloatType(type: number): boolean {
  return [1, 10, 11, 16].includes(type);
}

function unary(f: (a: number) => number): Fold {
  return (view) => elementwise(view, ([a]) => f(a), view.constant(0).type);
}

function binary(f: (a: number, b: number, type: HostTensor['type']) => number, ...ignored: string[]): Fold {
  return (view) => {
    view.ignore(...ignored);
    const { type } = view.constant(0);
    return elementwise(view, ([a, b]) => f(a, b, type), type);
  };
}

function nary(f: (values: number[]) => number): Fold {
  return (view) => elementwise(view, f, view.constant(0).type);
}

function elementwise(view: NodeView, f: (values: number[]) => number, type: HostTensor['type']): HostTensor {
  const inputs = Array.from({ length: view.count }, (_, input) => view.constant(input));
  const shape = broadcast(inputs.map((input) => input.shape));
  if (!shape) throw new NodeFault(`its inputs' shapes ${inputs.map((input) => `[${input.shape}]`).join(', ')} differ`);
  const whole = inputs.map((input) => (input.data.length === sizeOfShape(shape) ? input : expanded(input, shape)));
  const values = Float64Array.from({ length: sizeOfShape(shape) }, (_, i) => f(whole.map(({ data }) => data[i])));
  return hostTensor(type, shape, values);
}
