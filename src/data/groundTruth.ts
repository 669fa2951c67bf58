/** An annotation as COCO's evaluation takes it: `bbox` is [x, y, width, height] in pixels, `area` in square pixels. */
export interface CocoAnnotation {
  /** Of the annotation. */
  id: number;
  /** Of its image. */
  image_id: number;
  /** Of its class. */
  category_id: number;
  /** Of the object. */
  bbox: [number, number, number, number];
  /** Decides what counts as small, medium and large. */
  area: number;
  /** 1: a crowd; detections on it count neither as right nor as wrong. */
  iscrowd: 0 | 1;
}

/** An image as the annotation file lists it. */
export interface CocoImageEntry {
  /** Unique. */
  id: number;
  /** Relative to the folder of the images. */
  file_name: string;
  /** Pixels. */
  width: number;
  /** Pixels. */
  height: number;
}

/** What detections are evaluated against: every annotation of the file, also those that training leaves out. */
export interface GroundTruth {
  /** The images that count, also those without objects. */
  images: CocoImageEntry[];
  /** The classes. */
  categories: Category[];
  /** The objects, crowds included: an array, or the result of `readCoco`, which makes each object on demand. */
  annotations: Iterable<CocoAnnotation> & { readonly length: number };
}

/** A class as the annotations name it. */
export interface Category {
  /** COCO's `category_id`; ids may have gaps. */
  id: number;
  /** Unique. */
  name: string;
}
