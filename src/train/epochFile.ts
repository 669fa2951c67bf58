import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { draftOf, writeError } from '../util/atomicFile.js';
import type { DiskError } from '../util/error.js';
import { areFinite } from './halves.js';

/** A line of text, padded with spaces, says what the file is. */
const HEADER_BYTES = 256;
/** Records that may wait for the GPU or the disk. */
const MAX_WAITING = 4;

/** What fixes a file of records; a whole one has this header and all records. */
export interface EpochFileShape {
  /** Names everything that the records depend on. */
  key: string;
  /** 4-byte words of a record. */
  words: number;
  /** Steps of an epoch. */
  records: number;
}

function headerOf({ key, words, records }: EpochFileShape): Buffer {
  const text = `edgewise teacher outputs, fp16: key ${key}, ${records} records of ${words} words`;
  return Buffer.from(`${text.padEnd(HEADER_BYTES - 1)}\n`);
}

/** Reads the records of a whole file, one step ahead of the one asked for. */
export class EpochReader {
  readonly #handle: FileHandle;
  readonly #shape: EpochFileShape;
  #ahead: { step: number; words: Promise<Uint32Array<ArrayBuffer>> } | null = null;

  private constructor(handle: FileHandle, shape: EpochFileShape) {
    this.#handle = handle;
    this.#shape = shape;
  }

  /** Opens a file; null when there is none, or one cut short or of another key, of which `warn` is told. */
  static async open(path: string, shape: EpochFileShape, warn: (message: string) => void): Promise<EpochReader | null> {
    let handle: FileHandle;
    try {
      handle = await open(path, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') warn(`${path} cannot be read (${reason(error)})`);
      return null;
    }
    const fault = await faultOf(handle, shape).catch(reason);
    if (fault === null) return new EpochReader(handle, shape);
    await handle.close();
    warn(`${path} is damaged (${fault})`);
    return null;
  }

  /** A step's record. @throws Error when the disk fails, or the record holds NaN or infinity */
  async read(step: number): Promise<Uint32Array<ArrayBuffer>> {
    const words = this.#ahead?.step === step ? this.#ahead.words : this.#load(step);
    this.#ahead = null;
    if (step + 1 < this.#shape.records) {
      const next = this.#load(step + 1);
      next.catch(() => undefined); // thrown where the step is asked for, if it is
      this.#ahead = { step: step + 1, words: next };
    }
    return words;
  }

  async close(): Promise<void> {
    await this.#ahead?.words.catch(() => undefined);
    await this.#handle.close();
  }

  async #load(step: number): Promise<Uint32Array<ArrayBuffer>> {
    const words = new Uint32Array(this.#shape.words);
    await readExactly(this.#handle, new Uint8Array(words.buffer), HEADER_BYTES + step * words.byteLength);
    if (!areFinite(words)) throw new Error('it holds NaN or infinity');
    return words;
  }
}

async function faultOf(handle: FileHandle, shape: EpochFileShape): Promise<string | null> {
  const expected = HEADER_BYTES + 4 * shape.words * shape.records;
  const { size } = await handle.stat();
  if (size !== expected) return `${size} bytes of ${expected}`;
  const header = Buffer.alloc(HEADER_BYTES);
  await readExactly(handle, header, 0);
  return header.equals(headerOf(shape)) ? null : 'its header is not that of these outputs';
}

async function readExactly(handle: FileHandle, into: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < into.byteLength) {
    const { bytesRead } = await handle.read(into, done, into.byteLength - done, position + done);
    if (bytesRead === 0) throw new Error(`it ends after ${position + done} bytes`);
    done += bytesRead;
  }
}

/** Writes records into a draft; `close` gives the file its name once it is whole, and removes it otherwise. */
export class EpochWriter {
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #draft: string;
  readonly #shape: EpochFileShape;
  readonly #waiting: Promise<void>[] = [];
  #tail: Promise<void> = Promise.resolve();
  #added = 0;
  #failure: DiskError | null = null;

  private constructor(handle: FileHandle, path: string, draft: string, shape: EpochFileShape) {
    this.#handle = handle;
    this.#path = path;
    this.#draft = draft;
    this.#shape = shape;
  }

  /** @throws DiskError when the folder cannot be written */
  static async create(path: string, shape: EpochFileShape): Promise<EpochWriter> {
    const draft = draftOf(dirname(path));
    try {
      const handle = await open(draft, 'wx');
      const writer = new EpochWriter(handle, path, draft, shape);
      await writeAll(handle, headerOf(shape), 0).catch((error: unknown) => writer.#giveUp(error));
      return writer;
    } catch (error) {
      throw writeError(path, error);
    }
  }

  /** Why the disk refused; null while it has not. */
  get failure(): DiskError | null {
    return this.#failure;
  }

  /** Frees the disk of what was written. */
  async #giveUp(error: unknown): Promise<void> {
    this.#failure = writeError(this.#path, error);
    await this.#handle.truncate(0).catch(() => undefined);
  }

  /** Adds the next record, which is written once it is there. */
  add(words: Promise<Uint32Array>): void {
    const position = HEADER_BYTES + this.#added++ * 4 * this.#shape.words;
    this.#tail = Promise.all([words, this.#tail]).then(async ([record]) => {
      if (this.#failure !== null) return;
      const bytes = new Uint8Array(record.buffer, record.byteOffset, record.byteLength);
      await writeAll(this.#handle, bytes, position).catch((error: unknown) => this.#giveUp(error));
    });
    this.#tail.catch(() => undefined); // thrown by `room` or `close`
    this.#waiting.push(this.#tail);
  }

  /** Waits while too many records wait. @throws what a record's promise was rejected with */
  async room(): Promise<void> {
    while (this.#waiting.length >= MAX_WAITING) await this.#waiting.shift();
  }

  /** Gives a whole file its name, else removes it. @throws DiskError when the disk refused; what a record's promise was rejected with */
  async close(): Promise<void> {
    try {
      await this.#end();
    } finally {
      await rm(this.#draft, { force: true });
    }
  }

  async #end(): Promise<void> {
    try {
      await this.#tail;
      if (this.#failure === null) await this.#handle.datasync().catch((error: unknown) => this.#giveUp(error));
    } finally {
      await this.#handle.close();
    }
    if (this.#failure) throw this.#failure;
    if (this.#added < this.#shape.records) return;
    await rename(this.#draft, this.#path).catch((error: unknown) => {
      throw writeError(this.#path, error);
    });
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.byteLength) {
    done += (await handle.write(bytes, done, bytes.byteLength - done, position + done)).bytesWritten;
  }
}

/** The text of an error. */
export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
