import packSource from '../../shaders/train/pack_halves.wgsl';
import unpackSource from '../../shaders/train/unpack_halves.wgsl';
import { type LevelSize, Pyramid } from '../tensor/pyramid.js';
import type { Tensor } from '../tensor/tensor.js';

const PACK = { name: 'pack_halves', source: packSource };
const UNPACK = { name: 'unpack_halves', source: unpackSource };

/** What it takes to make a pyramid. */
export interface PyramidShape {
  batch: number;
  channels: number;
  sizes: readonly LevelSize[];
}

/** Words that `packHalves` makes of pyramids: two halves each, every pyramid from an even word on. */
export function packedWords(shapes: readonly PyramidShape[]): number {
  return shapes.reduce((sum, shape) => sum + wordsOf(elementsOf(shape)), 0);
}

/**
 * Records rounding pyramids to half floats (IEEE 754 binary16), one after another. Finite values beyond ±65504, the largest half, become
 * that: as logits they say no more. NaN and infinities stay.
 * @returns u32 [packedWords]: two halves a word, the lower one first
 */
export function packHalves(pyramids: readonly Pyramid[]): Tensor {
  const [{ device }] = pyramids;
  const words = device.empty([pyramids.reduce((sum, { size }) => sum + wordsOf(size), 0)], 'u32');
  let first = 0;
  for (const pyramid of pyramids) {
    device.run({
      kernel: PACK,
      bindings: { values: pyramid.range4, words: words.range },
      params: { count: pyramid.size, first },
      invocations: Math.ceil(pyramid.size / 4),
    });
    first += wordsOf(pyramid.size) / 2;
  }
  return words;
}

/** Records the inverse of `packHalves`: f32 pyramids of the halves' values. */
export function unpackHalves(words: Tensor, shapes: readonly PyramidShape[]): Pyramid[] {
  const { device } = words;
  let first = 0;
  return shapes.map((shape) => {
    const pyramid = Pyramid.empty(device, shape.batch, shape.channels, shape.sizes);
    device.run({
      kernel: UNPACK,
      bindings: { words: words.range, values: pyramid.range4 },
      params: { count: pyramid.size, first },
      invocations: Math.ceil(pyramid.size / 4),
    });
    first += wordsOf(pyramid.size) / 2;
    return pyramid;
  });
}

/** An element of packed pyramids. */
export interface PackedElement {
  /** Which of the pyramids. */
  pyramid: number;
  /** Position in the batch. */
  image: number;
  level: number;
  channel: number;
  row: number;
  column: number;
}

/** The first half of packed words whose bits without the sign lie within bounds, such as those of NaN and infinities; else null. */
export function findHalf(
  words: Uint32Array,
  shapes: readonly PyramidShape[],
  { from, to }: { from: number; to: number },
): PackedElement | null {
  const halves = new Uint16Array(words.buffer, words.byteOffset, 2 * words.length);
  let index = 0;
  while (index < halves.length && ((halves[index] & 0x7fff) < from || (halves[index] & 0x7fff) > to)) index++;
  if (index === halves.length) return null;
  let pyramid = 0;
  while (index >= 2 * wordsOf(elementsOf(shapes[pyramid]))) index -= 2 * wordsOf(elementsOf(shapes[pyramid++]));
  const { batch, channels, sizes } = shapes[pyramid];
  let level = 0;
  const elementsAt = ({ height, width }: LevelSize) => batch * channels * height * width;
  while (index >= elementsAt(sizes[level])) index -= elementsAt(sizes[level++]);
  const { height, width } = sizes[level];
  const [plane, cell] = [Math.floor(index / (height * width)), index % (height * width)];
  return {
    pyramid,
    image: Math.floor(plane / channels),
    level,
    channel: plane % channels,
    row: Math.floor(cell / width),
    column: cell % width,
  };
}

/** Whether no half of packed words is NaN or infinite: these have the largest exponent. */
export function areFinite(words: Uint32Array): boolean {
  const lower = 0x7c00;
  const upper = 0x7c00_0000;
  return words.every((word) => (word & lower) !== lower && (word & upper) !== upper);
}

function wordsOf(elements: number): number {
  return 2 * Math.ceil(elements / 4);
}

function elementsOf({ batch, channels, sizes }: PyramidShape): number {
  return batch * channels * sizes.reduce((sum, { height, width }) => sum + height * width, 0);
}
