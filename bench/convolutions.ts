import shapes from './convolutions.json' with { type: 'json' };

/** A 3×3 convolution of one map with padding 1; the peers have it too. */
export interface ConvolutionShape {
  batch: number;
  inputs: number;
  outputs: number;
  stride: 1 | 2;
  /** Of the input, pixels. */
  height: number;
  width: number;
}

/**
 * By the rows' names. `conv3x3-64` is the one that figures are given for since the first kernel; the others are most of a
 * training step of `small` on 8 images of 320×256: the two of the stem, a tower of the head on its finest level, and the last
 * stage of the backbone. The file is JSON for the peer in Python.
 */
export const CONVOLUTIONS = shapes as Record<string, ConvolutionShape>;
