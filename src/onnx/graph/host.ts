/** The name of a tensor in a graph. */
export type Edge = string;

/** A tensor on the host: a constant of a graph. */
export interface HostTensor {
  /** Integers and truth values are `integer`. */
  readonly type: 'float' | 'integer';
  /** Row-major. */
  readonly shape: readonly number[];
  /** Float32Array for `float`, Float64Array for `integer`: 53 bits are enough for sizes. */
  readonly data: Float32Array | Float64Array;
}

/** A tensor of these values. */
export function hostTensor(type: HostTensor['type'], shape: readonly number[], values: ArrayLike<number>): HostTensor {
  const data = type === 'float' ? Float32Array.from(values) : Float64Array.from(values);
  return { type, shape: [...shape], data };
}

/** Number of elements. */
export function sizeOfShape(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** NumPy's broadcasting of several shapes; null where they do not go together. */
export function broadcast(shapes: readonly (readonly number[])[]): number[] | null {
  const rank = Math.max(0, ...shapes.map(({ length }) => length));
  const result: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const extents = shapes.map((shape) => shape[shape.length - rank + axis] ?? 1);
    const extent = extents.find((one) => one !== 1) ?? 1;
    if (extents.some((one) => one !== 1 && one !== extent)) return null;
    result.push(extent);
  }
  return result;
}

/** Elements apart along each axis. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides: number[] = new Array(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1] * shape[axis + 1];
  return strides;
}

/**
 * A tensor of another shape whose elements come from places of this one.
 * @param strides elements apart in the source along each axis of the result; 0 where it is repeated
 * @param start where the result's first element is
 */
export function picked(
  source: HostTensor,
  shape: readonly number[],
  strides: readonly number[],
  start = 0,
): HostTensor {
  const size = sizeOfShape(shape);
  const own = stridesOf(shape);
  const values = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    let at = start;
    for (let axis = 0; axis < shape.length; axis++) {
      at += (Math.floor(i / own[axis]) % shape[axis]) * strides[axis];
    }
    values[i] = source.data[at];
  }
  return hostTensor(source.type, shape, values);
}

/** Repeated to a shape that it broadcasts to. */
export function expanded(source: HostTensor, shape: readonly number[]): HostTensor {
  const own = stridesOf(source.shape);
  const shift = shape.length - source.shape.length;
  const strides = shape.map((_, axis) => (axis < shift || source.shape[axis - shift] === 1 ? 0 : own[axis - shift]));
  return picked(source, shape, strides);
}

/** The same values under another shape. */
export function reshaped({ type, data }: HostTensor, shape: readonly number[]): HostTensor {
  return { type, shape: [...shape], data };
}
