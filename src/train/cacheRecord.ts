import { InputError } from '../util/error.js';
import { findHalf, type PackedElement, type PyramidShape } from './halves.js';
import type { Teacher, TeacherConfig } from './teacher.js';

/** Halves without the sign: NaN and infinities, and the largest number. */
const NON_FINITE = { from: 0x7c00, to: 0x7fff };
const LARGEST = { from: 0x7bff, to: 0x7bff };

/** One file of a teacher's cache. `features` are apart: a cache that has logits only can get them later. */
export interface Part {
  name: 'logits' | 'features';
  shapes: PyramidShape[];
  /** What each pyramid holds, for people. */
  contents: string[];
}

/** The files of an epoch. */
export function partsOf({ config, featureChannels }: Teacher, batch: number, features: boolean): Part[] {
  const { classes, bins, strides, width, height } = config;
  const sizes = strides.map((stride) => ({ height: Math.ceil(height / stride), width: Math.ceil(width / stride) }));
  const shapeOf = (channels: number) => ({ batch, channels, sizes });
  const logits: Part = {
    name: 'logits',
    shapes: [classes, 4 * bins].map(shapeOf),
    contents: ['class logits', 'box logits'],
  };
  if (!features) return [logits];
  return [logits, { name: 'features', shapes: [shapeOf(featureChannels)], contents: ['features'] }];
}

/**
 * Checks the halves of a batch.
 * @returns a warning where values reach the largest half, and so may have been larger; else null
 * @throws InputError that names image, by `ids`, and place where one is NaN or infinite
 */
export function checkRecord(
  words: Uint32Array,
  { shapes, contents }: Part,
  { strides }: Pick<TeacherConfig, 'strides'>,
  ids: readonly number[],
): string | null {
  const describe = ({ pyramid, image, level, row, column }: PackedElement) =>
    `the teacher's ${contents[pyramid]} of image ${ids[image] ?? 'none'}, stride ${strides[level]}, row ${row}, column ${column}`;
  const fault = findHalf(words, shapes, NON_FINITE);
  if (fault) {
    throw new InputError(
      `${describe(fault)}, are NaN or infinite: a student cannot learn from them. Give another teacher, or leave the image out.`,
    );
  }
  const largest = findHalf(words, shapes, LARGEST);
  return largest && `${describe(largest)}, reach ±65504, the largest half float; what exceeds it is kept as that.`;
}
