import { InputError } from '../util/error.js';
import { readJson } from './json.js';

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
  /** The objects, crowds included. */
  annotations: CocoAnnotation[];
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
  id: number;
  /** Relative to the folder of the images. */
  fileName: string;
  /** Pixels. */
  width: number;
  /** Pixels. */
  height: number;
  /** [n, 4] */
  boxes: Float32Array;
  /** [n] class indices */
  labels: Int32Array;
  /** [m, 4] crowds: neither object nor background */
  ignore: Float32Array;
}

/** A split of a COCO data set. */
export interface CocoDataset {
  /** In the order of their ids; a class index is a position in this list, so ids may have gaps. */
  classes: Category[];
  /** In the order of the file. */
  images: CocoImage[];
  /** The annotations as evaluation takes them. */
  truth: GroundTruth;
  /** Annotations left out of `images`: boxes without area, or wholly outside their image. */
  skipped: number;
}

/**
 * Reads a COCO annotation file (images, annotations, categories). `area` and `iscrowd` may be absent
 * (then the box's area, and 0). Segmentations and key points are not kept.
 *
 * @throws {InputError} the file is missing or not JSON, an entry is malformed, an id is used twice,
 * an annotation names an unknown image or category
 * @see https://cocodataset.org/#format-data
 */
export async function readCoco(annotationFile: string): Promise<CocoDataset> {
  return parseCoco(await readJson(annotationFile), annotationFile);
}

/**
 * The data set that a COCO annotation file describes; `area` and `iscrowd` may be absent (then the box's area, and 0).
 * @param json the file's content
 * @param file its name, for errors
 * @throws {InputError} an entry is malformed, an id is used twice, an annotation names an unknown image or category
 */
export function parseCoco(json: unknown, file: string): CocoDataset {
  const truth = validate(json, file);
  const classes = [...truth.categories].sort((a, b) => a.id - b.id);
  const classOf = new Map(classes.map(({ id }, index) => [id, index]));
  const gathered = new Map(
    truth.images.map((image) => [
      image.id,
      { image, boxes: [] as number[], labels: [] as number[], ignore: [] as number[] },
    ]),
  );
  let skipped = 0;
  for (const { image_id, category_id, bbox, iscrowd } of truth.annotations) {
    const entry = gathered.get(image_id);
    const label = classOf.get(category_id);
    if (!entry || label === undefined) continue; // not reached: validate() knows both ids
    const [x, y, width, height] = bbox;
    const box = [
      Math.max(x, 0),
      Math.max(y, 0),
      Math.min(x + width, entry.image.width),
      Math.min(y + height, entry.image.height),
    ];
    if (!(box[2] > box[0] && box[3] > box[1])) {
      skipped++;
    } else if (iscrowd) {
      entry.ignore.push(...box);
    } else {
      entry.boxes.push(...box);
      entry.labels.push(label);
    }
  }
  const images = [...gathered.values()].map(({ image, boxes, labels, ignore }) => ({
    id: image.id,
    fileName: image.file_name,
    width: image.width,
    height: image.height,
    boxes: Float32Array.from(boxes),
    labels: Int32Array.from(labels),
    ignore: Float32Array.from(ignore),
  }));
  return { classes, images, truth, skipped };
}

function validate(json: unknown, file: string): GroundTruth {
  const fail = (what: string): never => {
    throw new InputError(`${file}: ${what}`);
  };
  const list = (key: string): Record<string, unknown>[] => {
    const value = (json as Record<string, unknown> | null)?.[key];
    if (!Array.isArray(value)) return fail(`"${key}" is not an array; give a COCO annotation file`);
    value.forEach((entry, i) => {
      if (typeof entry !== 'object' || entry === null)
        fail(`${key}[${i}] is ${JSON.stringify(entry)}, expected an object`);
    });
    return value;
  };
  const number = (value: unknown, where: string, expected: string, valid: (n: number) => boolean): number =>
    typeof value === 'number' && valid(value)
      ? value
      : fail(`${where} is ${JSON.stringify(value)}, expected ${expected}`);
  const integer = (value: unknown, where: string) => number(value, where, 'an integer', Number.isSafeInteger);
  const size = (value: unknown, where: string) =>
    number(value, where, 'a positive integer (pixels)', (n) => Number.isSafeInteger(n) && n > 0);
  const text = (value: unknown, where: string): string =>
    typeof value === 'string' && value !== '' ? value : fail(`${where} is ${JSON.stringify(value)}, expected a text`);
  const once = <T>(seen: Set<T>, value: T, where: string): T => {
    if (seen.has(value)) fail(`${where} is ${JSON.stringify(value)}, used before; make it unique`);
    seen.add(value);
    return value;
  };

  const imageIds = new Set<number>();
  const images = list('images').map((image, i) => ({
    id: once(imageIds, integer(image.id, `images[${i}].id`), `images[${i}].id`),
    file_name: text(image.file_name, `images[${i}].file_name`),
    width: size(image.width, `images[${i}].width`),
    height: size(image.height, `images[${i}].height`),
  }));
  const categoryIds = new Set<number>();
  const names = new Set<string>();
  const categories = list('categories').map((category, i) => ({
    id: once(categoryIds, integer(category.id, `categories[${i}].id`), `categories[${i}].id`),
    name: once(names, text(category.name, `categories[${i}].name`), `categories[${i}].name`),
  }));
  const annotations = list('annotations').map((annotation, i): CocoAnnotation => {
    const where = `annotations[${i}]`;
    const image_id = integer(annotation.image_id, `${where}.image_id`);
    if (!imageIds.has(image_id))
      fail(`${where}.image_id is ${image_id}, which "images" does not list; add or remove it`);
    const category_id = integer(annotation.category_id, `${where}.category_id`);
    if (!categoryIds.has(category_id))
      fail(`${where}.category_id is ${category_id}, expected one of ${[...categoryIds].join(', ')}`);
    const bbox = annotation.bbox;
    if (!isBox(bbox)) return fail(`${where}.bbox is ${JSON.stringify(bbox)}, expected [x, y, width, height]`);
    return {
      id: annotation.id === undefined ? i + 1 : integer(annotation.id, `${where}.id`),
      image_id,
      category_id,
      bbox,
      area:
        annotation.area === undefined
          ? bbox[2] * bbox[3]
          : number(annotation.area, `${where}.area`, 'a number', Number.isFinite),
      iscrowd: annotation.iscrowd ? 1 : 0,
    };
  });
  if (categories.length === 0) fail('"categories" is empty; list at least one class');
  if (images.length === 0) fail('"images" is empty; list at least one image');
  return { images, categories, annotations };
}

/** Whether a value is `[x, y, width, height]`, four finite numbers. */
export function isBox(value: unknown): value is [number, number, number, number] {
  return Array.isArray(value) && value.length === 4 && value.every(Number.isFinite);
}
