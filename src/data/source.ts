import type { Category } from './coco.js';

/** A decoded image with its objects. Boxes are xyxy in pixels of this image. */
export interface Sample {
  /** [height, width, 3] red, green, blue, 0 … 255 */
  pixels: Uint8Array;
  width: number;
  height: number;
  /** [n, 4] */
  boxes: Float32Array;
  /** [n] class indices */
  labels: Int32Array;
  /** [m, 4] regions that count neither as object nor as background */
  ignore: Float32Array;
  /** The image's id in the annotations. */
  id: number;
}

/** A set of annotated images: a COCO folder or the generated shapes. */
export interface ImageSource {
  readonly length: number;
  /** A label is a position in this list. */
  readonly classes: Category[];
  /** @param index 0 … length − 1; the same index gives the same sample each time */
  load(index: number): Promise<Sample>;
}
