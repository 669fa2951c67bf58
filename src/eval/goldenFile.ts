import type { StoredTensor } from '../data/safetensors.js';
import type { GroundTruth } from '../regions/truth.js';
import { MAX_LEVELS } from '../tensor/pyramid.js';
import { brief } from '../util/brief.js';
import { InputError } from '../util/error.js';
import { shortened } from '../util/readable.js';

/** Reads the entries of a golden case; every error is an InputError that names the file and the key. */
export class GoldenFile {
  constructor(
    readonly file: string,
    readonly tensors: Map<string, StoredTensor>,
    readonly metadata: Record<string, string>,
  ) {}

  wrong(found: string, expected: string): InputError {
    return new InputError(`${this.file} is no golden case: ${found}; expected ${expected}.`);
  }

  text(key: string): string {
    const value = this.metadata[key];
    if (value === undefined) throw this.wrong(`metadata ${key} is missing`, 'the metadata of a golden case');
    return value;
  }

  number(key: string, minimum: number): number {
    const value = this.json(key, 'a number', (found): found is number => typeof found === 'number');
    if (!(value >= minimum)) throw this.wrong(`metadata ${key} is ${value}`, `at least ${minimum}`);
    return value;
  }

  integer(key: string): number {
    return this.json(key, 'a positive integer', isPositiveInteger);
  }

  json<T>(key: string, expected: string, isExpected: (value: unknown) => value is T): T {
    const text = this.text(key);
    try {
      const value: unknown = JSON.parse(text);
      if (isExpected(value)) return value;
    } catch {
      // Not JSON: the same error as JSON of another kind.
    }
    throw this.wrong(`metadata ${key} is ${shortened(text, 60)}`, expected);
  }

  /** The size of a map's second dimension. */
  channels(key: string): number {
    const shape = this.tensors.get(key)?.shape;
    if (shape?.length !== 4) throw this.wrong(`tensor ${key} is ${shape ? brief(shape) : 'missing'}`, '[B, F, H, W]');
    return shape[1];
  }

  optional(key: string, shape: readonly (number | null)[]): Float32Array {
    const isEmpty = shape[0] === null || shape[0] === 0;
    return isEmpty && !this.tensors.has(key) ? new Float32Array(0) : this.tensor(key, shape);
  }

  /** @param shape null: any extent */
  tensor(key: string, shape: readonly (number | null)[]): Float32Array {
    const tensor = this.tensors.get(key);
    const expected = `[${shape.map((extent) => extent ?? 'any')}]`;
    if (!tensor) throw this.wrong(`tensor ${key} is missing`, expected);
    const { data, dtype } = tensor;
    const fits =
      tensor.shape.length === shape.length && shape.every((extent, i) => extent === null || extent === tensor.shape[i]);
    if (!fits) throw this.wrong(`tensor ${key} is ${brief(tensor.shape)}`, expected);
    if (data instanceof Float32Array) return data;
    if (data instanceof Int32Array || data instanceof BigInt64Array) return Float32Array.from(data, Number);
    throw this.wrong(`tensor ${key} is ${dtype}`, 'F32, I32 or I64');
  }
}

/** A list of numbers. */
export function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'number');
}

function isPositiveInteger(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

export function isStrides(value: unknown): value is number[] {
  return isNumbers(value) && value.length >= 1 && value.length <= MAX_LEVELS && value.every(isPositiveInteger);
}

/** The boxes of all images, in the order of the images. */
export function readTruth(read: GoldenFile, batch: number, classes: number): GroundTruth {
  const truth = { boxes: [] as number[], labels: [] as number[], images: [] as number[] };
  const ignored = { ignoreBoxes: [] as number[], ignoreImages: [] as number[] };
  for (let image = 0; image < batch; image++) {
    // Images without objects, or without regions to ignore, may leave the key out.
    const boxes = read.optional(`gt.boxes.${image}`, [null, 4]);
    const labels = read.optional(`gt.labels.${image}`, [boxes.length / 4]);
    const ignore = read.optional(`gt.ignore.${image}`, [null, 4]);
    const stranger = labels.find((label) => !Number.isInteger(label) || label < 0 || label >= classes);
    if (stranger !== undefined) {
      throw read.wrong(`tensor gt.labels.${image} holds ${stranger}`, `classes below ${classes}`);
    }
    append(truth.boxes, boxes);
    append(truth.labels, labels);
    append(truth.images, Array(labels.length).fill(image));
    append(ignored.ignoreBoxes, ignore);
    append(ignored.ignoreImages, Array(ignore.length / 4).fill(image));
  }
  return { ...truth, ...ignored };
}

/** `list.push(...values)` runs out of stack with many values. */
function append(list: number[], values: Iterable<number>): void {
  for (const value of values) list.push(value);
}
