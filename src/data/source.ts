import type { Category } from './groundTruth.js';

/** A decoded image with its objects. Boxes are xyxy in pixels of this image. */
export interface Sample {
  /** [height, width, 3] red, green, blue, 0 … 255 */
  pixels: Uint8Array;
  /** Pixels. */
  width: number;
  /** Pixels. */
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

/** An image without its pixels. */
export type ObjectsOfImage = Omit<Sample, 'pixels'>;

/** A set of annotated images: a COCO folder or the generated shapes. */
export interface ImageSource {
  /** Number of images. */
  readonly length: number;
  /** A label is a position in this list. */
  readonly classes: Category[];
  /**
   * Decodes one image.
   * @param index 0 … length − 1; the same index gives the same sample each time
   * @throws InputError when it cannot be read, or is not of the size that the annotations say
   */
  load(index: number): Promise<Sample>;
  /**
   * What is known of an image without decoding it; sources without this method are asked by `load`.
   * @param index as `load`'s
   */
  objects?(index: number): ObjectsOfImage;
}
