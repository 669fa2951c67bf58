import type { Box } from './boxes.js';
import type { GridLevel } from './grid.js';

/** The sizes of a head loss. */
export interface HeadSizes {
  /** Of the padded images, pixels. */
  width: number;
  height: number;
  strides: number[];
  batch: number;
  classes: number;
  bins: number;
  /** What the bins stand for, in strides; 0 … bins − 1 unless given. */
  projection?: readonly number[];
}

/** A head's outputs, one array a level: class logits [B, C, H, W], box logits [B, 4*bins, H, W], features [B, F, H, W]. */
export interface HeadOutputs {
  classLogits: readonly ArrayLike<number>[];
  boxLogits: readonly ArrayLike<number>[];
  features?: readonly ArrayLike<number>[] | undefined;
}

/** The ground truth of one image. */
export interface ImageTruth {
  /** Pixels. */
  boxes: readonly Box[];
  labels: readonly number[];
  /** Regions to ignore (COCO's crowds), pixels. */
  ignore?: readonly Box[] | undefined;
}

/** What a student says about one image; a row a location, levels concatenated. */
export interface ImagePredictions {
  /** Class logits, [classes] each. */
  logits: readonly ArrayLike<number>[];
  /** Decoded boxes, pixels. */
  predicted: readonly Box[];
}

/** Who learns what in one image; a value a location, levels concatenated. */
export interface ImageAssignment {
  levels: GridLevel[];
  /** 1 positive, 0 negative, -1 ignored. */
  state: Int8Array;
  /** Class of a positive, -1 elsewhere. */
  label: Int32Array;
  /** Ground truth of a positive, -1 elsewhere. */
  truthIndex: Int32Array;
  /** Target score of a positive, 0 elsewhere. */
  score: Float64Array;
}

/** An assignment that the caller made; `truthIndex` refers to the boxes of the image's truth. */
export interface GivenAssignment extends Omit<ImageAssignment, 'levels'> {
  /** Above 0 in the valuable region; none unless given. */
  vlr?: Float64Array | undefined;
}
