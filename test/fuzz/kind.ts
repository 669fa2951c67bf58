import type { Random } from '../../src/tensor/random.js';

/** A kind of input that is mutated and read. */
export interface FuzzKind {
  name: string;
  /** Writes an input with something changed into an empty folder. */
  write(folder: string, random: Random): Promise<void>;
  /** Reads it as the product does. @returns what a person would see of it: no figure of it may be undefined */
  read(folder: string): Promise<string>;
  /** What reads it on the command line, in that folder. */
  command?: readonly string[];
}
