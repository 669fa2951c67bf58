import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Batch, Loader } from '../data/loader.js';
import type { Device } from '../tensor/device.js';
import type { Pyramid } from '../tensor/pyramid.js';
import type { Tensor } from '../tensor/tensor.js';
import { removeLeftovers, writeError, writeFirst } from '../util/atomicFile.js';
import { DiskError } from '../util/error.js';
import { makeFolder } from '../util/folder.js';
import { checkRecord, type Part, partsOf } from './cacheRecord.js';
import { EpochReader, EpochWriter, reason } from './epochFile.js';
import { packedWords, packHalves, unpackHalves } from './halves.js';
import type { Teacher, TeacherEpoch, TeacherStep } from './teacher.js';
import { describeTeacher } from './teacherKey.js';

export interface TeacherCacheOptions {
  /** Features too, for imitation. */
  features: boolean;
  /** Told of a file that cannot be used or written: the teacher then computes its outputs. */
  warn: (message: string) => void;
  /** True: a file that cannot be written is an error, since the cache is what is wanted. */
  mustWrite?: boolean;
}

/**
 * What a frozen teacher gives for a loader's batches, computed once and kept on disk as half floats, a file an epoch. The folder's name is a
 * hash of all that it depends on: the teacher's parameters, images, the loader's options, adapter and variants of kernels. Rounding changes
 * bits, so the step that fills a cache takes the rounded values, too: a training has the same bits with a full or an empty cache. Several
 * processes may use one folder; each computes what it does not find.
 */
export class TeacherCache {
  readonly #teacher: Teacher;
  readonly #loader: Loader;
  readonly #folder: string;
  readonly #key: string;
  readonly #parts: Part[];
  readonly #options: TeacherCacheOptions;

  private constructor(teacher: Teacher, loader: Loader, folder: string, key: string, options: TeacherCacheOptions) {
    this.#teacher = teacher;
    this.#loader = loader;
    this.#folder = folder;
    this.#key = key;
    this.#parts = partsOf(teacher, loader.made, options.features);
    this.#options = options;
  }

  /** @param root holds the caches of any number of teachers, seeds and data @throws DiskError when it cannot be written */
  static async open(
    root: string,
    teacher: Teacher,
    loader: Loader,
    options: TeacherCacheOptions,
  ): Promise<TeacherCache> {
    const description = JSON.stringify(await describeTeacher(teacher, loader), null, 2);
    const key = createHash('sha256').update(description).digest('hex');
    const folder = join(root, key.slice(0, 16));
    try {
      await makeFolder(folder);
    } catch (error) {
      throw writeError(`teacher cache ${root}`, error);
    }
    await writeFirst(join(folder, 'description.json'), `${description}\n`);
    await removeLeftovers(folder);
    return new TeacherCache(teacher, loader, folder, key, options);
  }

  /** The outputs of an epoch from `fromStep` on. Where files are not whole the teacher computes and, from the first step on, writes them. */
  async epoch(epoch: number, fromStep = 0): Promise<CachedEpoch> {
    const records = this.#loader.steps;
    const { warn, mustWrite } = this.#options;
    const fallBack = (message: string) => warn(fallback(message));
    const files = this.#parts.map(({ name, shapes }) => ({
      path: join(this.#folder, `epoch-${String(epoch + 1).padStart(4, '0')}-${name}.f16`),
      shape: { key: this.#key, words: packedWords(shapes), records },
    }));
    const readers = await Promise.all(files.map(({ path, shape }) => EpochReader.open(path, shape, fallBack)));
    const found = readers.filter((reader) => reader !== null);
    if (found.length === files.length)
      return new CachedEpoch(this.#teacher, this.#parts, fromStep, found, [], this.#options);

    await Promise.all(found.map((reader) => reader.close()));
    const writers = files.map(async ({ path, shape }, i) => {
      if (readers[i] || fromStep > 0) return null;
      return EpochWriter.create(path, shape).catch((error: unknown) => {
        if (mustWrite) throw error;
        fallBack(reason(error));
        return null;
      });
    });
    return new CachedEpoch(this.#teacher, this.#parts, fromStep, [], await Promise.all(writers), this.#options);
  }
}

class CachedEpoch implements TeacherEpoch {
  readonly #teacher: Teacher;
  readonly #parts: readonly Part[];
  /** One a part; none: the teacher computes. */
  #readers: readonly EpochReader[];
  readonly #writers: readonly (EpochWriter | null)[];
  readonly #warn: (message: string) => void;
  readonly #mustWrite: boolean;
  /** Of values beyond the halves' range, once an epoch. */
  #hasWarned = false;
  #next: number;
  /** True where the files have the whole epoch. */
  readonly isKept: boolean;

  constructor(
    teacher: Teacher,
    parts: readonly Part[],
    fromStep: number,
    readers: readonly EpochReader[],
    writers: readonly (EpochWriter | null)[],
    { warn, mustWrite = false }: TeacherCacheOptions,
  ) {
    this.#teacher = teacher;
    this.#parts = parts;
    this.#next = fromStep;
    this.#readers = readers;
    this.isKept = readers.length > 0;
    this.#writers = writers;
    this.#warn = warn;
    this.#mustWrite = mustWrite;
  }

  /** What the next step needs of the disk was read while the step before was computed. */
  async step(batch: Batch): Promise<TeacherStep> {
    const step = this.#next++;
    await Promise.all(this.#writers.map((writer) => writer?.room()));
    const failure = this.#writers.map((writer) => writer?.failure).find((one) => one);
    if (failure && this.#mustWrite) throw failure;
    const kept = this.#readers.length > 0 ? await this.#read(step) : null;
    return kept
      ? new KeptStep(this.#teacher.device, this.#parts, kept)
      : new FillingStep(this.#parts, await this.#teacher.prepare(batch), this.#keepers(batch));
  }

  /** Writers of each part's halves once they are read back; null for a part that is not written. */
  #keepers({ ids }: Batch): (Keeper | null)[] {
    return this.#parts.map((part, i) => {
      const writer = this.#writers[i];
      if (!writer) return null;
      const check = (words: Uint32Array) => {
        const warning = checkRecord(words, part, this.#teacher.config, ids);
        if (warning && !this.#hasWarned) this.#warn(warning);
        this.#hasWarned ||= warning !== null;
        return words;
      };
      return (words) => writer.add(words.then(check));
    });
  }

  /** Ends the epoch: files that are whole get their names, others are removed. */
  async close(): Promise<void> {
    await Promise.all(this.#readers.map((reader) => reader.close()));
    // All, so that a failure leaves no unfinished file behind.
    const ends = await Promise.allSettled(this.#writers.map((writer) => writer?.close()));
    for (const end of ends) {
      if (end.status === 'fulfilled') continue;
      if (this.#mustWrite || !(end.reason instanceof DiskError)) throw end.reason;
      this.#warn(fallback(reason(end.reason)));
    }
  }

  async #read(step: number): Promise<Uint32Array<ArrayBuffer>[] | null> {
    try {
      return await Promise.all(this.#readers.map((reader) => reader.read(step)));
    } catch (error) {
      this.#warn(fallback(`step ${step + 1} of an epoch cannot be read (${reason(error)})`));
      await Promise.all(this.#readers.map((reader) => reader.close()));
      this.#readers = [];
      return null;
    }
  }
}

/** A step from the files. */
class KeptStep implements TeacherStep {
  readonly #device: Device;
  readonly #parts: readonly Part[];
  readonly #kept: readonly Uint32Array<ArrayBuffer>[];
  #packed: Tensor[] = [];

  /** @param kept halves of each part */
  constructor(device: Device, parts: readonly Part[], kept: readonly Uint32Array<ArrayBuffer>[]) {
    this.#device = device;
    this.#parts = parts;
    this.#kept = kept;
  }

  begin(): void {
    this.#packed = this.#kept.map((words) => this.#device.keep(this.#device.tensor(words)));
  }

  outputs() {
    return unpack(this.#packed, this.#parts);
  }

  end(): void {
    for (const words of this.#packed) words.dispose();
    this.#packed = [];
  }
}

/** Takes halves that are being read back. */
type Keeper = (words: Promise<Uint32Array>) => void;

/** A step that the teacher computes, rounded to half floats like those of the files. */
class FillingStep implements TeacherStep {
  readonly #parts: readonly Part[];
  readonly #computed: TeacherStep;
  readonly #keepers: readonly (Keeper | null)[];
  #packed: Tensor[] = [];

  /** @param keepers of the parts whose halves are to be written */
  constructor(parts: readonly Part[], computed: TeacherStep, keepers: readonly (Keeper | null)[]) {
    this.#parts = parts;
    this.#computed = computed;
    this.#keepers = keepers;
  }

  begin(): void {
    this.#computed.begin();
  }

  outputs(images: Pyramid) {
    const { device } = images;
    const { classLogits, boxLogits, features } = this.#computed.outputs(images);
    const values = { logits: [classLogits, boxLogits], features: features ? [features] : [] };
    this.#packed = this.#parts.map(({ name }) => device.keep(packHalves(values[name])));
    for (const pyramid of Object.values(values).flat()) pyramid.dispose();
    return unpack(this.#packed, this.#parts);
  }

  end(): void {
    this.#computed.end();
    for (const [i, words] of this.#packed.entries()) {
      this.#keepers[i]?.(words.read() as Promise<Uint32Array>);
      words.dispose();
    }
    this.#packed = [];
  }
}

function fallback(message: string): string {
  return `teacher cache: ${message.replace(/\.$/, '')}; the teacher computes its outputs.`;
}

function unpack(packed: readonly Tensor[], parts: readonly Part[]) {
  const [classLogits, boxLogits, features] = parts.flatMap(({ shapes }, i) => unpackHalves(packed[i], shapes));
  return { classLogits, boxLogits, ...(features && { features }) };
}
