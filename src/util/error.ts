import { readable, readableLines, shortened } from './readable.js';

const MAX_LENGTH = 2000;

/**
 * Wrong input: the message names the argument, its value, what was expected and the remedy.
 * Thrown before anything is submitted to the GPU. The command line prints the message alone and exits 1.
 */
export class InputError extends Error {
  /** Also where `instanceof` fails, between two copies of the package. */
  override readonly name = 'InputError';

  /** The message becomes one line that a terminal can show, whatever names of files or classes it quotes, and no book. */
  constructor(message: string, options?: ErrorOptions) {
    super(shortened(readable(message.trim().replace(/\s*[\r\n]+\s*/g, ' ')), MAX_LENGTH), options);
  }
}

/** The adapter, a kernel or a disk failed: the message names the kernel, the file, or what was looked for. */
export class DeviceError extends Error {
  /** As of `InputError`. */
  override readonly name = 'DeviceError';
  readonly #lost: boolean;

  /** The message may have several lines. */
  constructor(message: string, { lost = false, ...options }: ErrorOptions & { lost?: boolean } = {}) {
    super(readableLines(message), options);
    this.#lost = lost;
  }

  /** True where the GPU device is gone: nothing but another device, and what was saved, helps. */
  get lost(): boolean {
    return this.#lost;
  }
}

/** A file cannot be written: the message names it, the reason and the remedy. Not the work's fault: all that writes there fails. */
export class DiskError extends DeviceError {}
