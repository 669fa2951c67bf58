import { InvalidArgumentError } from 'commander';
import { MAX_SHAPES } from '../data/shapes.js';
import { MAX_BINS, MAX_CLASSES, MAX_SIDE } from '../detector/config.js';
import { MAX_SETTINGS } from '../train/settings.js';

/** Parses an option's value. @throws InvalidArgumentError, a usage error, before anything is allocated */
export function integer(minimum: number, maximum: number): (text: string) => number {
  return (text) => within(text, minimum, maximum, 'an integer', Number.isSafeInteger);
}

/** Likewise. */
export function real(minimum: number, maximum: number): (text: string) => number {
  return (text) => within(text, minimum, maximum, 'a number', Number.isFinite);
}

function within(text: string, minimum: number, maximum: number, kind: string, isKind: (value: number) => boolean) {
  const value = Number(text);
  if (text.trim() === '' || !isKind(value) || value < minimum || value > maximum) {
    throw new InvalidArgumentError(`Expected ${kind} from ${minimum} to ${maximum}.`);
  }
  return value;
}

/** Parses a list such as 8,16,32. @throws InvalidArgumentError, a usage error */
function integers(minimum: number, maximum: number): (text: string) => number[] {
  return (text) => text.split(',').map(integer(minimum, maximum));
}

/** Parsers of what several commands have. */
export const parsed = {
  /** Of "shapes". */
  images: integer(1, MAX_SHAPES),
  width: integer(1, MAX_SIDE),
  height: integer(1, MAX_SIDE),
  strides: integers(1, MAX_SIDE),
  bins: integer(2, MAX_BINS),
  classes: integer(1, MAX_CLASSES),
  epochs: integer(1, MAX_SETTINGS.epochs),
  batch: integer(1, MAX_SETTINGS.batch),
  seed: integer(0, MAX_SETTINGS.seed),
  seeds: integers(0, MAX_SETTINGS.seed),
};
