import { brief } from '../util/brief.js';
import { InputError } from '../util/error.js';
import { noModel } from './protobuf.js';
import { type Bytes, fieldParts, fieldsOf, joinBytes } from './wire.js';

type Message = 'model' | 'graph' | 'function' | 'node' | 'attribute' | 'sparse' | 'tensor';

/** Where ONNX's messages hold tensors: numbers of fields in onnx.proto, and the messages behind them. */
const HOLDS: Record<Message, Record<number, Message>> = {
  model: { 7: 'graph', 25: 'function' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  function: { 7: 'node' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  sparse: { 1: 'tensor', 2: 'tensor' },
  tensor: {},
};
/** Fields of a TensorProto, and of the pairs in its `external_data`. */
const TENSOR = { name: 8, rawData: 9, externalData: 13, dataLocation: 14 };
const PAIR = { key: 1, value: 2 };
/** TensorProto.DataLocation.EXTERNAL. */
const EXTERNAL = 1;
/** The most that a protobuf message can have. */
const MAX_BYTES = 2 ** 31 - 1;

/** The remedy where a file is missing. */
export const HOW = 'export it with its weights inside, in PyTorch: torch.onnx.export(…, external_data=False)';

/** A tensor whose values are in another file. */
interface ExternalTensor {
  name: string;
  /** Relative to the model's folder. */
  location: string;
  offset: number;
  /** Null: all that follows. */
  length: number | null;
}

/**
 * The files beside a model that hold some of its weights, by name; empty if the model holds all.
 * @throws RangeError where the bytes are no model
 */
export function externalFilesOf(model: Bytes): string[] {
  const files = new Set<string>();
  replace(model, 'model', ({ location }) => {
    files.add(location);
    return null;
  });
  return [...files];
}

/** A file beside a model. */
export interface WeightsFile {
  /** Bytes. */
  size: number;
  read(offset: number, length: number): Promise<Bytes>;
}

/**
 * A model with the weights inside that it keeps in files beside it, which is the default of PyTorch: it then needs no other
 * file. All else stays as it is, byte for byte.
 * @param name for messages
 * @param open gives a file by its path from the model's folder
 * @throws InputError when a file is too short, all is larger than a model can be, or the bytes are no model
 */
export async function withWeightsInside(
  model: Bytes,
  name: string,
  open: (location: string) => Promise<WeightsFile>,
): Promise<Bytes> {
  const tensors: ExternalTensor[] = [];
  try {
    replace(model, 'model', (tensor) => {
      tensors.push(tensor);
      return null;
    });
  } catch (error) {
    if (error instanceof RangeError) throw noModel(name);
    throw error;
  }
  if (tensors.length === 0) return model;
  const values = new Map<string, Bytes>();
  const keyOf = ({ location, offset, length }: ExternalTensor) => `${offset} ${length} ${location}`;
  const files = new Map<string, WeightsFile>();
  let total = model.length;
  for (const tensor of tensors) {
    const { location } = tensor;
    const file = files.get(location) ?? (await open(location));
    files.set(location, file);
    const length = tensor.length ?? file.size - tensor.offset;
    const areBytes = [tensor.offset, length].every((count) => Number.isSafeInteger(count) && count >= 0);
    const isWhole = areBytes && tensor.offset + length <= file.size;
    if (!isWhole) {
      throw new InputError(
        `${name}: ${brief(location)} beside it has ${file.size} bytes, but ${brief(tensor.name)} needs those from ${tensor.offset} to ${tensor.offset + length}. Copy both files again, or ${HOW}.`,
      );
    }
    total += length;
    if (total > MAX_BYTES) {
      throw new InputError(
        `${name}: with the weights of ${brief(location)} it has more than the 2 GiB that are supported.`,
      );
    }
    values.set(keyOf(tensor), await file.read(tensor.offset, length));
  }
  return replace(model, 'model', (tensor) => values.get(keyOf(tensor)) ?? null) ?? model;
}

/**
 * A message where external tensors have values of their own.
 * @param valuesOf null: the tensor stays as it is
 * @returns null where nothing changes
 */
function replace(bytes: Bytes, message: Message, valuesOf: (tensor: ExternalTensor) => Bytes | null): Bytes | null {
  if (message === 'tensor') {
    const external = externalOf(bytes);
    const values = external && valuesOf(external);
    if (!values) return null;
    const dropped = [TENSOR.rawData, TENSOR.externalData, TENSOR.dataLocation];
    const kept = [...fieldsOf(bytes)].flatMap(({ number, whole }) => (dropped.includes(number) ? [] : [whole]));
    return joinBytes([...kept, ...fieldParts(TENSOR.rawData, values)]);
  }
  let hasChanged = false;
  const parts = [...fieldsOf(bytes)].flatMap(({ number, whole, content }) => {
    const inner = content && HOLDS[message][number];
    const changed = inner && replace(content, inner, valuesOf);
    if (!changed) return [whole];
    hasChanged = true;
    return fieldParts(number, changed);
  });
  return hasChanged ? joinBytes(parts) : null;
}

/** Where a tensor's values are; null if they are in the tensor. */
function externalOf(tensor: Bytes): ExternalTensor | null {
  const text = (content: Bytes | null) => new TextDecoder().decode(content ?? new Uint8Array());
  let isExternal = false;
  let name = 'a tensor';
  const pairs: Record<string, string> = {};
  for (const { number, value, content } of fieldsOf(tensor)) {
    if (number === TENSOR.dataLocation) isExternal = value === EXTERNAL;
    if (number === TENSOR.name) name = text(content);
    if (number !== TENSOR.externalData || !content) continue;
    const pair = [...fieldsOf(content)];
    const part = (wanted: number) => text(pair.find((field) => field.number === wanted)?.content ?? null);
    pairs[part(PAIR.key)] = part(PAIR.value);
  }
  if (!isExternal) return null;
  const { location = '', offset = '0', length } = pairs;
  return { name, location, offset: Number(offset), length: length === undefined ? null : Number(length) };
}
