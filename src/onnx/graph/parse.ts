import type { onnx } from 'onnx-proto';
import { InputError } from '../../util/error.js';
import { floatsOfHalves } from '../../util/half.js';
import { noModel, protobuf } from '../protobuf.js';
import { type Edge, type HostTensor, hostTensor, sizeOfShape } from './host.js';

/** A value of an attribute; a graph inside another is `other`. */
export type Attribute = number | string | number[] | HostTensor | 'other';

/** A node of a graph. */
export interface GraphNode {
  /** Such as `Conv`; with its domain where that is not ONNX's. */
  operator: string;
  /** For messages; nodes without a name have that of their first output. */
  name: string;
  /** Position in the file. */
  index: number;
  /** '' where an optional one is left out. */
  inputs: readonly Edge[];
  /** Likewise. */
  outputs: readonly Edge[];
  /** By name. */
  attributes: ReadonlyMap<string, Attribute>;
}

/** An input or output as the file declares it; null: open. */
interface DeclaredPort {
  /** Of the tensor. */
  name: Edge;
  /** Null where the file does not say. */
  shape: readonly (number | null)[] | null;
  /** onnx.TensorProto.DataType. */
  elementType: number;
}

/** A model as the file has it. */
export interface ParsedModel {
  /** Version of ONNX's operators. */
  opset: number;
  /** Without those that are initializers. */
  inputs: readonly DeclaredPort[];
  /** As declared. */
  outputs: readonly DeclaredPort[];
  /** In the file's order, in which every tensor is made before it is used. */
  nodes: readonly GraphNode[];
  /** By name. */
  initializers: ReadonlyMap<Edge, HostTensor>;
}

/** onnx.TensorProto.DataType. */
export const FLOAT = 1;
const INTEGERS = { uint8: 2, int8: 3, uint16: 4, int16: 5, int32: 6, int64: 7, bool: 9 } as const;
const FLOAT16 = 10;
const DOUBLE = 11;

/** Whether it is a type of whole numbers. */
export function isInteger(elementType: number): boolean {
  return (Object.values(INTEGERS) as number[]).includes(elementType);
}

/** onnx.AttributeProto.AttributeType. */
const TYPES = { float: 1, integer: 2, string: 3, tensor: 4, floats: 6, integers: 7 };

/**
 * Reads a model.
 * @param name of the file, for messages
 * @throws InputError when the bytes are no ONNX model
 */
export async function parseModel(bytes: Uint8Array, name: string): Promise<ParsedModel> {
  const { ModelProto } = await protobuf();
  let model: onnx.ModelProto;
  try {
    // Not as a Buffer of Node: the library makes empty ones in a way that Node warns of.
    model = ModelProto.decode(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch {
    throw noModel(name);
  }
  const { graph } = model;
  if (!graph?.output?.length) throw noModel(name);
  const initializers = new Map<Edge, HostTensor>();
  for (const tensor of graph.initializer ?? []) {
    const values = tensorOf(tensor);
    if (values) initializers.set(tensor.name ?? '', values);
  }
  return {
    opset: Number(model.opsetImport?.find(({ domain }) => !domain || domain === 'ai.onnx')?.version ?? 1),
    inputs: (graph.input ?? []).map(portOf).filter((port) => !initializers.has(port.name)),
    outputs: graph.output.map(portOf),
    nodes: (graph.node ?? []).map(nodeOf),
    initializers,
  };
}

function portOf({ name, type }: onnx.IValueInfoProto): DeclaredPort {
  const { elemType, shape } = type?.tensorType ?? {};
  const extents = shape?.dim?.map(({ dimValue }) => (Number(dimValue ?? 0) > 0 ? Number(dimValue) : null));
  return { name: name ?? '', shape: extents ?? null, elementType: elemType ?? 0 };
}

function nodeOf({ opType, domain, name, input, output, attribute }: onnx.INodeProto, index: number): GraphNode {
  const isOwn = !domain || domain === 'ai.onnx';
  return {
    operator: isOwn ? (opType ?? '') : `${domain}.${opType}`,
    name: name || output?.[0] || `node ${index}`,
    index,
    inputs: input ?? [],
    outputs: output ?? [],
    attributes: new Map((attribute ?? []).map((one) => [one.name ?? '', attributeOf(one)])),
  };
}

function attributeOf({ type, f, i, s, t, floats, ints }: onnx.IAttributeProto): Attribute {
  if (type === TYPES.float) return f ?? 0;
  if (type === TYPES.integer) return Number(i ?? 0);
  if (type === TYPES.string) return new TextDecoder().decode(s ?? new Uint8Array());
  if (type === TYPES.floats) return (floats ?? []).map(Number);
  if (type === TYPES.integers) return (ints ?? []).map(Number);
  return (type === TYPES.tensor && t && tensorOf(t)) || 'other';
}

/** Null for types without numbers. @throws InputError where the values are not as many as the shape says */
function tensorOf(tensor: onnx.ITensorProto): HostTensor | null {
  const type = tensor.dataType ?? 0;
  const kind = isInteger(type) ? 'integer' : 'float';
  if (kind === 'float' && ![FLOAT, FLOAT16, DOUBLE].includes(type)) return null;
  const shape = (tensor.dims ?? []).map(Number);
  const values = hostTensor(kind, shape, valuesOf(tensor, type));
  if (values.data.length !== sizeOfShape(shape)) {
    throw new InputError(
      `tensor ${tensor.name || 'of an attribute'}: ${values.data.length} values for the shape [${shape}]; export the model again.`,
    );
  }
  return values;
}

function valuesOf(tensor: onnx.ITensorProto, type: number): ArrayLike<number> {
  const { rawData, floatData, int32Data, int64Data, doubleData } = tensor;
  if (rawData && rawData.length > 0) return rawValues(rawData, type);
  if (type === FLOAT) return floatData ?? [];
  if (type === DOUBLE) return doubleData ?? [];
  if (type === INTEGERS.int64) return (int64Data ?? []).map(Number);
  const words = int32Data ?? [];
  return type === FLOAT16 ? floatsOfHalves(Uint16Array.from(words)) : words;
}

/** Little-endian, as the format says. */
function rawValues(bytes: Uint8Array, type: number): ArrayLike<number> {
  // A copy: the values may start at an odd address.
  const buffer = bytes.slice().buffer;
  if (type === FLOAT) return new Float32Array(buffer);
  if (type === DOUBLE) return new Float64Array(buffer);
  if (type === INTEGERS.int64) return Array.from(new BigInt64Array(buffer), Number);
  if (type === INTEGERS.int32) return new Int32Array(buffer);
  if (type === INTEGERS.int16) return new Int16Array(buffer);
  if (type === INTEGERS.uint16) return new Uint16Array(buffer);
  if (type === INTEGERS.int8) return new Int8Array(buffer);
  if (type === FLOAT16) return floatsOfHalves(new Uint16Array(buffer));
  return new Uint8Array(buffer);
}
