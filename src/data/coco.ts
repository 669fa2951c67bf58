import type { AnnotationTable } from './annotations.js';
import { CocoReader } from './cocoReader.js';
import { visitJson } from './jsonStream.js';

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
  /** 1: a crowd, which detections may find or not. */
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
  /** The objects, crowds included: an array, or what `readCoco` reads, which makes each object when it is asked for. */
  annotations: Iterable<CocoAnnotation> & { readonly length: number };
}

/** A class as the annotations name it. */
export interface Category {
  /** COCO's `category_id`; ids may have gaps. */
  id: number;
  /** Unique. */
  name: string;
}

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
  /** What is odd about the file without being wrong, with counts; one line each, for people. */
  notices: string[];
  /** What the boxes seem to be in place of [x, y, width, height] in pixels; null: nothing. `openDataset` refuses such a file. */
  boxFault: string | null;
}

/** How a file is read. */
export interface CocoOptions {
  /** Names of classes that a model or another split has: none of these is left out as an unused parent category. */
  classes?: readonly string[];
}

/**
 * Reads a COCO annotation file (images, annotations, categories) of any size, entry by entry. `area` and `iscrowd` may be absent
 * (then the box's area, and 0). Segmentations and key points are not kept. Memory: 61 bytes an annotation, 0.3 kB an image.
 *
 * @throws {InputError} the file is missing or not JSON, an entry is malformed, an id is used twice,
 * an annotation names an unknown image or category: with the number of entries that are so
 * @see https://cocodataset.org/#format-data
 */
export async function readCoco(annotationFile: string, options: CocoOptions = {}): Promise<CocoDataset> {
  const reader = new CocoReader(annotationFile);
  await visitJson(annotationFile, reader);
  return reader.finish(options);
}

/**
 * The data set that a COCO annotation file describes; `area` and `iscrowd` may be absent (then the box's area, and 0).
 * @param json the file's content
 * @param file its name, for errors
 * @throws {InputError} as `readCoco`
 */
export function parseCoco(json: unknown, file: string, options: CocoOptions = {}): CocoDataset {
  const reader = new CocoReader(file);
  const isObject = typeof json === 'object' && json !== null && !Array.isArray(json);
  for (const [key, value] of isObject ? Object.entries(json) : []) {
    if (Array.isArray(value)) {
      reader.array(key);
      for (const entry of value) reader.entry(key, entry);
    } else {
      reader.other(key, value);
    }
  }
  return reader.finish(options);
}
