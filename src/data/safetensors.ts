import { writeWhole } from '../util/atomicFile.js';
import { brief } from '../util/brief.js';
import { InputError } from '../util/error.js';

/**
 * Element types of the format and the array each is read into. F16 and BF16 have no array in JavaScript:
 * their 16 bits are handed over as they are.
 */
const ARRAYS = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
  I32: Int32Array,
  U32: Uint32Array,
  I16: Int16Array,
  U16: Uint16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
};

/** Element types of the format. */
export type Dtype = keyof typeof ARRAYS;

/** A tensor of a file: `data` holds the product of `shape` elements, row-major. `dtype` narrows the type of `data`. */
export type StoredTensor = {
  [D in Dtype]: {
    /** Of the elements. */
    dtype: D;
    /** Row-major. */
    shape: number[];
    /** The elements; of F16 and BF16, their bits. */
    data: InstanceType<(typeof ARRAYS)[D]>;
  };
}[Dtype];

/** A file as it was read. */
export interface SafetensorsFile {
  /** By their names. */
  tensors: Map<string, StoredTensor>;
  /** The header's `__metadata__`. */
  metadata: Record<string, string>;
}

// The limit of the reference implementation; a larger number means that the first eight bytes are something else.
const LARGEST_HEADER = 100_000_000;
const ALIGNMENT = 8;

/**
 * Reads a safetensors file: 8 bytes of header length, a JSON header, then the tensors' bytes, little-endian.
 * Arrays are copies: they do not keep the file's bytes alive.
 *
 * @param source path of a file, or its bytes
 * @throws {InputError} the file is missing, cut short, has a broken header, or its offsets do not cover the data exactly
 * @see https://github.com/huggingface/safetensors#format
 */
export async function readSafetensors(source: string | Uint8Array): Promise<SafetensorsFile> {
  if (typeof source !== 'string') return parseSafetensors(source, 'the safetensors bytes');
  const { readFile } = await import('node:fs/promises'); // only here: browsers load what imports this module
  let bytes: Uint8Array;
  try {
    bytes = await readFile(source);
  } catch (error) {
    throw new InputError(`${source} cannot be read (${reason(error)}); give the path of a .safetensors file`);
  }
  return parseSafetensors(bytes, source);
}

/**
 * Writes a safetensors file atomically: a reader sees the old file or the new one, never a part; a failure leaves the old
 * file as it was. The tensors are not copied.
 *
 * @param file path; its folder is made
 * @param tensors arrays as {@link readSafetensors} gives them: `data.length` is the product of `shape`
 * @param metadata strings kept beside the tensors
 * @throws {InputError} a tensor's data does not fit its dtype or shape, or a name is reserved
 * @throws {DiskError} the file cannot be written
 */
export async function writeSafetensors(
  file: string,
  tensors: Iterable<readonly [string, StoredTensor]>,
  metadata: Record<string, string> = {},
): Promise<void> {
  // Widest elements first, as the reference implementation writes them: every tensor then starts at a multiple of its element.
  const entries = [...tensors].sort(([, a], [, b]) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT);
  const header: [string, unknown][] = [['__metadata__', metadata]];
  const names = new Set<string>();
  let offset = 0;
  for (const [name, { dtype, shape, data }] of entries) {
    if (name === '__metadata__' || names.has(name))
      throw new InputError(
        `tensor name "${name}" is ${names.has(name) ? 'given twice' : 'reserved'}; rename the tensor`,
      );
    if (!(data instanceof ARRAYS[dtype]))
      throw new InputError(
        `tensor "${name}" is ${dtype} but its data is a ${kind(data)}; give a ${ARRAYS[dtype].name}`,
      );
    if (count(shape) !== data.length)
      throw new InputError(`tensor "${name}" has shape [${shape}] but ${data.length} elements; make them agree`);
    names.add(name);
    header.push([name, { dtype, shape, data_offsets: [offset, offset + data.byteLength] }]);
    offset += data.byteLength;
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(header)));
  const padding = Buffer.alloc(-json.length & (ALIGNMENT - 1), ' ');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length + padding.length));

  const arrays = entries.map(([, { data }]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  await writeWhole(file, [length, json, padding, ...arrays]);
}

/**
 * The tensors of a safetensors file's bytes, in a browser too; arrays are copies.
 * @param name of the file, for errors
 * @throws {InputError} the bytes are cut short, have a broken header, or its offsets do not cover the data exactly
 */
export function parseSafetensors(bytes: Uint8Array, name: string): SafetensorsFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const broken = (what: string) => new InputError(`${name} is not a whole safetensors file: ${what}`);
  const again = 'copy, download or write it again';
  if (bytes.length < 8) throw broken(`it has ${bytes.length} bytes, fewer than the 8 of the header length; ${again}`);
  const headerLength = Number(view.getBigUint64(0, true));
  if (headerLength > LARGEST_HEADER)
    throw broken(
      `its header length reads ${headerLength}, above ${LARGEST_HEADER}; check that it is a .safetensors file`,
    );
  if (8 + headerLength > bytes.length)
    throw broken(`cut short, its header ends at byte ${8 + headerLength} but it has ${bytes.length}; ${again}`);

  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, 8 + headerLength)));
  } catch (error) {
    throw broken(`its header is not JSON (${reason(error)}); ${again}`);
  }
  if (!isRecord(header)) throw broken(`its header is not a JSON object; ${again}`);
  const { __metadata__: metadata = {}, ...infos } = header;
  if (!isRecord(metadata) || Object.values(metadata).some((value) => typeof value !== 'string'))
    throw broken('__metadata__ must be an object of strings; write it again with string values');

  const data = bytes.subarray(8 + headerLength);
  const entries = Object.entries(infos).map(([key, info]) => describe(key, info, broken));
  // The format demands that tensors follow each other without hole or overlap and end with the file.
  let covered = 0;
  for (const { key, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== covered)
      throw broken(
        `tensor ${key} starts at byte ${begin} of the data, expected ${covered} (hole or overlap); ${again}`,
      );
    if (end > data.length)
      throw broken(`cut short, tensor ${key} ends at byte ${end} of the data, which has ${data.length}; ${again}`);
    covered = end;
  }
  if (covered !== data.length)
    throw broken(`its tensors take ${covered} bytes but ${data.length} follow the header; ${again}`);
  // Copied only now: a header could name the same bytes any number of times.
  const tensors = entries.map(({ name: own, dtype, shape, begin, end }): [string, StoredTensor] => {
    const { buffer } = new Uint8Array(data.subarray(begin, end));
    const array = new (ARRAYS[dtype] as new (buffer: ArrayBuffer) => StoredTensor['data'])(buffer);
    return [own, { dtype, shape, data: array } as StoredTensor];
  });
  return { tensors: new Map(tensors), metadata: metadata as Record<string, string> };
}

/** Checks one tensor's entry of the header. */
function describe(name: string, info: unknown, broken: (what: string) => InputError) {
  const key = brief(name);
  const entry = isRecord(info) ? info : {};
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string' || !Object.hasOwn(ARRAYS, dtype))
    throw broken(`tensor ${key} has dtype ${brief(dtype)}; convert it to one of ${Object.keys(ARRAYS).join(', ')}`);
  if (!isCounts(shape)) throw broken(`tensor ${key} has shape ${brief(shape)}, expected an array of sizes`);
  if (!isCounts(offsets) || offsets.length !== 2 || offsets[0] > offsets[1])
    throw broken(`tensor ${key} has data_offsets ${brief(offsets)}, expected [begin, end]`);
  const [begin, end] = offsets;
  const expected = count(shape) * ARRAYS[dtype as Dtype].BYTES_PER_ELEMENT;
  if (end - begin !== expected)
    throw broken(
      `tensor ${key} (${dtype} ${brief(shape)}) takes ${expected} bytes, its data_offsets say ${end - begin}`,
    );
  return { name, key, dtype: dtype as Dtype, shape, begin, end };
}

const count = (shape: number[]) => shape.reduce((product, size) => product * size, 1);
const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const reason = (error: unknown) => (error instanceof Error ? error.message : String(error));
const kind = (data: unknown) => (data as object)?.constructor?.name ?? typeof data;
