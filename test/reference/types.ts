import type { Box } from './boxes.js';

/** The sizes of a head loss. */
export interface HeadSizes {
  /** Of the padded images, pixels. */
  width: number;
  height: number;
  strides: number[];
  batch: number;
  classes: number;
  bins: number;
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
