import { halvesOfFloats } from '../../util/half.js';
import { type Bytes, type Field, fieldParts, fieldsOf, integerParts, joinBytes } from '../wire.js';
import type { Edge } from './host.js';

/** Values of a tensor in a file. */
interface TensorValues {
  /** Row-major. */
  shape: readonly number[];
  /** One an element. */
  data: ArrayLike<number>;
}

/** What is changed in a node. */
export interface NodeEdit {
  /** All inputs, where they change. */
  inputs?: readonly Edge[];
  /** Lists of whole numbers by name; null: left out. */
  attributes?: ReadonlyMap<string, readonly number[] | null>;
}

/** What is changed in a model; all else stays as it is, byte for byte. */
export interface ModelEdit {
  /** Values of initializers, and of nodes `Constant` by their output. */
  tensors?: ReadonlyMap<Edge, TensorValues>;
  /** By their position in the file. */
  nodes?: ReadonlyMap<number, NodeEdit>;
  /** New initializers: `float` or `integer` by what they hold. */
  added?: ReadonlyMap<Edge, TensorValues & { type: 'float' | 'integer' }>;
  /** Sizes that inputs, outputs and other tensors are declared with, by axis; null: of this tensor nothing is declared. */
  shapes?: ReadonlyMap<Edge, ReadonlyMap<number, number> | null>;
  /** Texts; one of the same key is replaced. */
  metadata?: Readonly<Record<string, string>>;
}

// Numbers of fields in onnx.proto.
const MODEL = { irVersion: 1, graph: 7, metadata: 14 };
const GRAPH = { node: 1, initializer: 5, input: 11, output: 12, valueInfo: 13 };
const NODE = { input: 1, output: 2, type: 4, attribute: 5 };
const ATTRIBUTE = { name: 1, tensor: 5, integers: 8, type: 20 };
const TENSOR = { dims: 1, type: 2, floats: 4, halves: 5, name: 8, raw: 9, doubles: 10 };
const PORT = { name: 1, type: 2 };
const TENSOR_TYPE = { tensor: 1, element: 1, shape: 2, dimension: 1, extent: 1 };
const PAIR = { key: 1, value: 2 };
/** onnx.AttributeProto.AttributeType.INTS. */
const INTEGERS = 7;
/** onnx.TensorProto.DataType. */
const TYPES = { float: 1, integer: 7, half: 10, double: 11 };
/** From this version on an initializer need not be declared as an input. */
const FREE_INITIALIZERS = 4;

/**
 * A model with changes. Fields that do not change, those of newer versions of the format included, keep their bytes and their place.
 * @param bytes of a model with its weights inside
 * @throws RangeError where the bytes are no model
 */
export function editModel(bytes: Uint8Array, edit: ModelEdit): Uint8Array {
  let [node, version, hasAdded] = [0, 0, false];
  const nodeOf = (content: Bytes) => editedNode(content, edit, edit.nodes?.get(node++));
  const graphOf = (content: Bytes) => {
    const graph = edited(content, ({ number, content: inner }) => {
      if (!inner) return null;
      if (number === GRAPH.node) return nodeOf(inner);
      if (number === GRAPH.initializer) return editedTensor(inner, edit.tensors?.get(textOf(inner, TENSOR.name)));
      const isPort = number === GRAPH.input || number === GRAPH.output || number === GRAPH.valueInfo;
      return isPort ? editedPort(inner, edit) : null;
    });
    if (hasAdded || !edit.added?.size) return graph;
    hasAdded = true;
    const parts = [...edit.added].flatMap(([name, tensor]) => addedParts(name, tensor, version < FREE_INITIALIZERS));
    return joinBytes([graph ?? content, ...parts]);
  };
  const keys = Object.keys(edit.metadata ?? {});
  const kept = [...fieldsOf(bytes)].flatMap(({ number, whole, content, value }) => {
    if (number === MODEL.irVersion) version = value;
    if (number === MODEL.metadata && content && keys.includes(textOf(content, PAIR.key))) return [];
    const graph = number === MODEL.graph && content ? graphOf(content) : null;
    return graph ? fieldParts(number, graph) : [whole];
  });
  const metadata = Object.entries(edit.metadata ?? {}).flatMap(([key, text]) =>
    fieldParts(MODEL.metadata, joinBytes([...textParts(PAIR.key, key), ...textParts(PAIR.value, text)])),
  );
  return joinBytes([...kept, ...metadata]);
}

/** A message with some of its fields in place of others; null where none is. */
function edited(bytes: Bytes, change: (field: Field) => Bytes | null): Bytes | null {
  let hasChanged = false;
  const parts = [...fieldsOf(bytes)].flatMap((field) => {
    const content = change(field);
    if (!content) return [field.whole];
    hasChanged = true;
    return fieldParts(field.number, content);
  });
  return hasChanged ? joinBytes(parts) : null;
}

function editedNode(bytes: Bytes, { tensors }: ModelEdit, edit: NodeEdit | undefined): Bytes | null {
  const isConstant = tensors !== undefined && textOf(bytes, NODE.type) === 'Constant';
  const values = isConstant ? tensors.get(textOf(bytes, NODE.output)) : undefined;
  const withValues = values
    ? edited(bytes, ({ number, content }) =>
        number === NODE.attribute && content
          ? edited(content, (field) =>
              field.number === ATTRIBUTE.tensor && field.content ? editedTensor(field.content, values) : null,
            )
          : null,
      )
    : null;
  if (!edit) return withValues;
  const { inputs, attributes = new Map() } = edit;
  const kept = [...fieldsOf(withValues ?? bytes)].filter(({ number, content }) => {
    if (number === NODE.input) return inputs === undefined;
    return number !== NODE.attribute || !content || !attributes.has(textOf(content, ATTRIBUTE.name));
  });
  const parts = [
    ...(inputs ?? []).flatMap((input) => textParts(NODE.input, input)),
    ...kept.map(({ whole }) => whole),
    ...[...attributes].flatMap(([name, list]) => (list ? fieldParts(NODE.attribute, listAttribute(name, list)) : [])),
  ];
  return joinBytes(parts);
}

function listAttribute(name: string, list: readonly number[]): Bytes {
  return joinBytes([
    ...textParts(ATTRIBUTE.name, name),
    ...list.flatMap((value) => integerParts(ATTRIBUTE.integers, value)),
    ...integerParts(ATTRIBUTE.type, INTEGERS),
  ]);
}

/** Null where the values are the same. */
function editedTensor(bytes: Bytes, values: TensorValues | undefined): Bytes | null {
  if (!values) return null;
  const fields = [...fieldsOf(bytes)];
  const type = fields.find(({ number }) => number === TENSOR.type)?.value ?? TYPES.float;
  const isRaw = fields.some(({ number, content }) => number === TENSOR.raw && content && content.length > 0);
  const typed: Record<number, number> = {
    [TYPES.float]: TENSOR.floats,
    [TYPES.double]: TENSOR.doubles,
    [TYPES.half]: TENSOR.halves,
  };
  const place = isRaw ? TENSOR.raw : typed[type];
  const content =
    !isRaw && type === TYPES.half ? varintsOf(valuesBytes(type, values.data)) : valuesBytes(type, values.data);
  const dims = values.shape.flatMap((extent) => integerParts(TENSOR.dims, extent));
  // Repeated numbers may stand in one field or in one each; what is the same stays as it is written.
  const payload = (number: number) =>
    joinBytes(fields.flatMap((field) => (field.number === number ? [field.content ?? field.whole.subarray(1)] : [])));
  const given = new Map<number, Bytes[]>();
  if (!areSame(payload(place), content)) given.set(place, fieldParts(place, content));
  if (!areSame(payload(TENSOR.dims), joinBytes(dims.map((field) => field.subarray(1))))) given.set(TENSOR.dims, dims);
  if (given.size === 0) return null;
  const written = new Set<number>();
  const kept = fields.flatMap(({ number, whole }) => {
    const parts = given.get(number);
    if (!parts) return [whole];
    // In the place of the first of a repeated field.
    if (written.has(number)) return [];
    written.add(number);
    return parts;
  });
  const missing = [...given].flatMap(([number, parts]) => (written.has(number) ? [] : parts));
  return joinBytes([...kept, ...missing]);
}

/** Little-endian. */
function valuesBytes(type: number, data: ArrayLike<number>): Bytes {
  const values = type === TYPES.double ? Float64Array.from(data) : Float32Array.from(data);
  return new Uint8Array(type === TYPES.half ? halvesOfFloats(values as Float32Array).buffer : values.buffer);
}

/** Half floats outside of raw bytes are whole numbers, packed. */
function varintsOf(halves: Bytes): Bytes {
  const words = new Uint16Array(halves.buffer, halves.byteOffset, halves.length / 2);
  return joinBytes([...words].map((word) => integerParts(0, word)[0].subarray(1)));
}

function editedPort(bytes: Bytes, { shapes }: ModelEdit): Bytes | null {
  const sizes = shapes?.get(textOf(bytes, PORT.name));
  if (sizes === undefined) return null;
  const inside = (number: number, change: (content: Bytes) => Bytes | null) => (field: Field) =>
    field.number === number && field.content ? change(field.content) : null;
  return edited(
    bytes,
    inside(PORT.type, (type) =>
      edited(
        type,
        inside(TENSOR_TYPE.tensor, (tensor) =>
          sizes === null
            ? joinBytes(
                [...fieldsOf(tensor)].filter(({ number }) => number !== TENSOR_TYPE.shape).map(({ whole }) => whole),
              )
            : edited(
                tensor,
                inside(TENSOR_TYPE.shape, (shape) => editedShape(shape, sizes)),
              ),
        ),
      ),
    ),
  );
}

/** Sizes that are declared as names stay. */
function editedShape(bytes: Bytes, sizes: ReadonlyMap<number, number>): Bytes | null {
  let axis = 0;
  return edited(bytes, ({ number, content }) => {
    const size = number === TENSOR_TYPE.dimension ? sizes.get(axis++) : undefined;
    const isNumber = content && [...fieldsOf(content)].some((field) => field.number === TENSOR_TYPE.extent);
    return size !== undefined && isNumber ? joinBytes(integerParts(TENSOR_TYPE.extent, size)) : null;
  });
}

function addedParts(
  name: Edge,
  { type, shape, data }: TensorValues & { type: 'float' | 'integer' },
  isDeclared: boolean,
): Bytes[] {
  const dims = shape.flatMap((extent) => integerParts(TENSOR.dims, extent));
  const raw =
    type === 'float'
      ? valuesBytes(TYPES.float, data)
      : new Uint8Array(BigInt64Array.from(Array.from(data), BigInt).buffer);
  const elements = integerParts(TENSOR.type, TYPES[type]);
  const tensor = joinBytes([...dims, ...elements, ...textParts(TENSOR.name, name), ...fieldParts(TENSOR.raw, raw)]);
  if (!isDeclared) return fieldParts(GRAPH.initializer, tensor);
  const extents = shape.flatMap((extent) =>
    fieldParts(TENSOR_TYPE.dimension, joinBytes(integerParts(TENSOR_TYPE.extent, extent))),
  );
  const declared = [
    ...integerParts(TENSOR_TYPE.element, TYPES[type]),
    ...fieldParts(TENSOR_TYPE.shape, joinBytes(extents)),
  ];
  const port = [
    ...textParts(PORT.name, name),
    ...fieldParts(PORT.type, joinBytes(fieldParts(TENSOR_TYPE.tensor, joinBytes(declared)))),
  ];
  return [...fieldParts(GRAPH.initializer, tensor), ...fieldParts(GRAPH.input, joinBytes(port))];
}

function textOf(message: Bytes, field: number): string {
  for (const { number, content } of fieldsOf(message))
    if (number === field && content) return new TextDecoder().decode(content);
  return '';
}

function textParts(field: number, text: string): Bytes[] {
  return fieldParts(field, new TextEncoder().encode(text));
}

function areSame(a: Bytes, b: Bytes): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
