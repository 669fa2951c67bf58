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
 * Records rounding pyramids to half floats (IEEE 754 binary16), one behind the other. Values beyond ±65504, the largest half,
 * become that.
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

function wordsOf(elements: number): number {
  return 2 * Math.ceil(elements / 4);
}

function elementsOf({ batch, channels, sizes }: PyramidShape): number {
  return batch * channels * sizes.reduce((sum, { height, width }) => sum + height * width, 0);
}
