import type { AnnotationTable } from './annotations.js';
import type { Category, GroundTruth } from './groundTruth.js';

/** An image with what training needs. Boxes are xyxy in pixels, clipped to the image. */
export interface CocoImage {
  /** In the annotations. */
  readonly id: number;
  /** Relative to the folder of the images. */
  readonly fileName: string;
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  /** [n, 4]; made anew at each access, like the next two. */
  readonly boxes: Float32Array;
  /** [n] class indices */
  readonly labels: Int32Array;
  /** [m, 4] crowds: neither object nor background */
  readonly ignore: Float32Array;
}

/** A split of a COCO data set. */
export interface CocoDataset {
  /** In the order of their ids; a class index is a position in this list, so ids may have gaps. */
  classes: Category[];
  /** In the order of the file. */
  images: CocoImage[];
  /** The annotations as evaluation takes them. */
  truth: GroundTruth & { annotations: AnnotationTable };
  /** Annotations left out of `images`: boxes without area, or wholly outside their image. */
  skipped: number;
  /** What is odd about the file without being wrong, with counts; readable lines. */
  notices: string[];
  /** What the boxes seem to be in place of [x, y, width, height] in pixels; null: nothing. `openDataset` refuses such a file. */
  boxFault: string | null;
}

/** How a file is read. */
export interface CocoOptions {
  /** Names of classes that a model or another split has: none of these is left out as an unused parent category. */
  classes?: readonly string[];
}
