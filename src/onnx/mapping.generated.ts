// Made of mapping.schema.ts by `npm run schemas`; not to be edited.

/**
 * A part of a tensor's channels: logits of the four edges, 4 · bins of them edge by edge, or a score for each class.
 */
export type HeadPart = 'boxes' | 'classes';

/** One tensor of the model. */
export interface MappedTensor {
  /** Its name: an output of the model, or any tensor inside it; [Netron](https://netron.app) shows the names. */
  tensor: string;
  /**
   * Batch, channels and rows and columns of one map, or all locations of all its levels, A, level by level and row by
   * row.
   */
  axes: 'BCHW' | 'BHWC' | 'BCA' | 'BAC';
  /** The levels it holds, in its order, by their strides. */
  strides: number[];
  /** What its channels are, in their order: `boxes` (4 · bins), `classes`. */
  channels: HeadPart[];
}

/** How an ONNX model's inputs and outputs are to be understood: the mapping file of docs/onnx.md. */
export interface OnnxMapping {
  /** What the model takes. */
  input: {
    /** Of the model's input, to be sure; if left out, its only one. */
    name?: string;
    /** Of the channels. */
    order: 'rgb' | 'bgr';
    /** Pixels are 0 … 1 or 0 … 255 before `mean` and `deviation`. */
    white: 1 | 255;
    /** Subtracted, in the model's order of channels. */
    mean: [number, number, number];
    /** Divided by after that. */
    deviation: [number, number, number];
  };
  /** Pixels a cell of each level, finest first. */
  strides: number[];
  /**
   * Of an edge's distribution: reg_max + 1 where bins stand for 0 … reg_max strides, and 16 for YOLOv8. Whole, 2 to 64.
   */
  bins: number;
  /** Where distances are measured from: 0 is a cell's top left corner, 0.5 its middle. 0 to 1. */
  centreOffset: number;
  /** `probabilities` where the model ends with a sigmoid. */
  scores: 'logits' | 'probabilities';
  /** Where boxes and classes are: together they hold both for every level. */
  tensors: MappedTensor[];
  /**
   * For a student whose features are imitated: tensors [batch, channels, height, width] inside the model, one a level,
   * of as many channels each.
   */
  features?: string[];
  /** Names in the order of the channels, or their number. */
  classes: string[] | number;
  /**
   * For classes of the data that the model calls otherwise: its name, its index from 0, or null where it does not know
   * them; same names need no entry.
   */
  classMap?: Record<string, string | number | null>;
}
