import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Loader } from '../data/loader.js';
import { architectureOf } from '../detector/config.js';
import type { Detector, DetectorOutputs } from '../detector/detector.js';
import { DeviceError, InputError } from '../gpu/error.js';
import type { Pyramid } from '../tensor/pyramid.js';
import type { Tensor } from '../tensor/tensor.js';
import { EpochReader, EpochWriter, reason, UNFINISHED } from './epochFile.js';
import { type PyramidShape, packedWords, packHalves, unpackHalves } from './halves.js';
import { describeTeacher } from './teacherKey.js';

/** An unfinished file that nobody has written to for so long belongs to a process that was killed. */
const ABANDONED_MS = 3_600_000;

/** What a teacher gives for a batch. */
export interface TeacherMaps {
  classLogits: Pyramid;
  boxLogits: Pyramid;
  /** Where the cache keeps them. */
  features?: Pyramid;
}

/** What goes into one file: `features` apart, so that they can be added to a cache that has logits only. */
interface Part {
  name: 'logits' | 'features';
  shapes: PyramidShape[];
  valuesOf(outputs: DetectorOutputs): Pyramid[];
}

export interface TeacherCacheOptions {
  /** Features too, for imitation. */
  features: boolean;
  /** Told of a file that cannot be used or written: the teacher then computes its outputs. */
  warn: (message: string) => void;
}

/**
 * What a frozen teacher gives for the batches of a loader, computed once and kept on disk as half floats, a file an epoch. It
 * depends on the teacher's parameters, the images, the loader's options, adapter and kernels' variants: the folder's name is
 * their hash. Rounding changes the bits of a training, so the step that fills a cache takes the rounded values, too: with a
 * cache, full or not, a training has the same bits. Several processes may use one folder; each computes what it does not find.
 */
export class TeacherCache {
  readonly #teacher: Detector;
  readonly #loader: Loader;
  readonly #folder: string;
  readonly #key: string;
  readonly #parts: Part[];
  readonly #warn: (message: string) => void;

  private constructor(
    teacher: Detector,
    loader: Loader,
    folder: string,
    key: string,
    { features, warn }: TeacherCacheOptions,
  ) {
    this.#teacher = teacher;
    this.#loader = loader;
    this.#folder = folder;
    this.#key = key;
    this.#parts = partsOf(teacher, loader.options.batch, features);
    this.#warn = warn;
  }

  /**
   * @param root holds the caches of any number of teachers, seeds and data
   * @throws InputError when it cannot be written
   */
  static async open(
    root: string,
    teacher: Detector,
    loader: Loader,
    options: TeacherCacheOptions,
  ): Promise<TeacherCache> {
    const description = JSON.stringify(await describeTeacher(teacher, loader), null, 2);
    const key = createHash('sha256').update(description).digest('hex');
    const folder = join(root, key.slice(0, 16));
    try {
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, 'description.json'), `${description}\n`);
      await removeAbandoned(folder);
    } catch (error) {
      throw new InputError(`teacher cache ${root} cannot be written (${reason(error)}); give another folder.`);
    }
    return new TeacherCache(teacher, loader, folder, key, options);
  }

  /**
   * The outputs of an epoch, step by step from `fromStep` on. Where its files are not whole, the teacher computes and, from
   * the first step on, they are written.
   */
  async epoch(epoch: number, fromStep = 0): Promise<TeacherEpoch> {
    const records = this.#loader.steps;
    const warn = (message: string) => this.#warn(`teacher cache: ${message}; the teacher computes its outputs.`);
    const files = this.#parts.map(({ name, shapes }) => ({
      path: join(this.#folder, `epoch-${String(epoch + 1).padStart(4, '0')}-${name}.f16`),
      shape: { key: this.#key, words: packedWords(shapes), records },
    }));
    const readers = await Promise.all(files.map(({ path, shape }) => EpochReader.open(path, shape, warn)));
    const found = readers.filter((reader) => reader !== null);
    if (found.length === files.length) return new TeacherEpoch(this.#teacher, this.#parts, fromStep, found, [], warn);

    await Promise.all(found.map((reader) => reader.close()));
    const writers = files.map(async ({ path, shape }, i) => {
      if (readers[i] || fromStep > 0) return null;
      return EpochWriter.create(path, shape).catch((error: unknown) => {
        warn(`${path} cannot be written (${reason(error)})`);
        return null;
      });
    });
    return new TeacherEpoch(this.#teacher, this.#parts, fromStep, [], await Promise.all(writers), warn);
  }
}

/** An epoch under way. */
export class TeacherEpoch {
  readonly #teacher: Detector;
  readonly #parts: readonly Part[];
  /** One a part, or none: then the teacher computes. */
  #readers: readonly EpochReader[];
  /** Of the parts to write. */
  readonly #writers: readonly (EpochWriter | null)[];
  readonly #warn: (message: string) => void;
  #next: number;

  constructor(
    teacher: Detector,
    parts: readonly Part[],
    fromStep: number,
    readers: readonly EpochReader[],
    writers: readonly (EpochWriter | null)[],
    warn: (message: string) => void,
  ) {
    this.#teacher = teacher;
    this.#parts = parts;
    this.#next = fromStep;
    this.#readers = readers;
    this.#writers = writers;
    this.#warn = warn;
  }

  /** What the next step needs of the disk: it was read while the step before was computed. */
  async step(): Promise<TeacherStep> {
    const step = this.#next++;
    await Promise.all(this.#writers.map((writer) => writer?.room()));
    const kept = this.#readers.length > 0 ? await this.#read(step) : null;
    return new TeacherStep(this.#teacher, this.#parts, kept, this.#writers);
  }

  /** Ends the epoch: files that are whole get their names, others are removed. */
  async close(): Promise<void> {
    await Promise.all(this.#readers.map((reader) => reader.close()));
    for (const writer of this.#writers) {
      await writer?.close().catch((error: unknown) => {
        if (error instanceof DeviceError) throw error;
        this.#warn(`an epoch cannot be written (${reason(error)})`);
      });
    }
  }

  async #read(step: number): Promise<Uint32Array<ArrayBuffer>[] | null> {
    try {
      return await Promise.all(this.#readers.map((reader) => reader.read(step)));
    } catch (error) {
      this.#warn(`step ${step + 1} of an epoch cannot be read (${reason(error)})`);
      await Promise.all(this.#readers.map((reader) => reader.close()));
      this.#readers = [];
      return null;
    }
  }
}

/** The teacher's share of one step: `begin`, `outputs`, then, once the step is submitted, `end`. */
export class TeacherStep {
  readonly #teacher: Detector;
  readonly #parts: readonly Part[];
  readonly #kept: Uint32Array<ArrayBuffer>[] | null;
  readonly #writers: readonly (EpochWriter | null)[];
  #packed: Tensor[] = [];

  /**
   * @param kept halves of each part; null: the teacher computes
   * @param writers of the parts whose halves are to be written
   */
  constructor(
    teacher: Detector,
    parts: readonly Part[],
    kept: Uint32Array<ArrayBuffer>[] | null,
    writers: readonly (EpochWriter | null)[],
  ) {
    this.#teacher = teacher;
    this.#parts = parts;
    this.#kept = kept;
    this.#writers = writers;
  }

  /** Uploads what was kept: an upload submits what is recorded, so this comes before anything is. */
  begin(): void {
    const { device } = this.#teacher.parameters;
    if (this.#kept) this.#packed = this.#kept.map((words) => device.keep(device.tensor(words)));
  }

  /** Records the outputs, rounded to half floats; they are the caller's. */
  outputs(images: Pyramid): TeacherMaps {
    const { device } = this.#teacher.parameters;
    if (!this.#kept) {
      this.#packed = device.tidy(() => {
        const outputs = this.#teacher.forward(images, { training: false });
        return this.#parts.map(({ valuesOf }) => packHalves(valuesOf(outputs)));
      });
      for (const words of this.#packed) device.keep(words);
    }
    const pyramids = this.#parts.flatMap(({ shapes }, i) => unpackHalves(this.#packed[i], shapes));
    const [classLogits, boxLogits, features] = pyramids;
    return { classLogits, boxLogits, ...(features && { features }) };
  }

  /** Starts reading back what was computed, and gives the memory of the halves back. */
  end(): void {
    for (const [i, words] of this.#packed.entries()) {
      if (!this.#kept) this.#writers[i]?.add(words.read() as Promise<Uint32Array>);
      words.dispose();
    }
    this.#packed = [];
  }
}

function partsOf({ config }: Detector, batch: number, features: boolean): Part[] {
  const { classes, bins, strides, width, height } = config;
  const sizes = strides.map((stride) => ({ height: Math.ceil(height / stride), width: Math.ceil(width / stride) }));
  const logits: Part = {
    name: 'logits',
    shapes: [classes, 4 * bins].map((channels) => ({ batch, channels, sizes })),
    valuesOf: ({ classLogits, boxLogits }) => [classLogits.value, boxLogits.value],
  };
  if (!features) return [logits];
  const shapes = [{ batch, channels: architectureOf(config).features, sizes }];
  return [logits, { name: 'features', shapes, valuesOf: ({ features }) => [features.value] }];
}

async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.endsWith(UNFINISHED)) continue;
    const path = join(folder, name);
    const changed = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => Date.now(), // another process has just ended it
    );
    if (Date.now() - changed > ABANDONED_MS) await rm(path, { force: true });
  }
}
