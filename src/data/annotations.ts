import type { Category, CocoAnnotation, CocoImageEntry } from './groundTruth.js';

/** An annotation as its file has it. */
export interface RawAnnotation {
  id: number;
  imageId: number;
  categoryId: number;
  bbox: readonly [number, number, number, number];
  area: number;
  isCrowd: boolean;
}

/** A column that grows. What it has in reserve takes no memory: it has not been touched. */
class Column<A extends Float64Array | Uint8Array> {
  readonly #make: new (
    length: number,
  ) => A;
  #values: A;
  length = 0;

  constructor(make: new (length: number) => A) {
    this.#make = make;
    this.#values = new make(1024);
  }

  push(value: number): void {
    if (this.length === this.#values.length) {
      const values = new this.#make(2 * this.length);
      values.set(this.#values);
      this.#values = values;
    }
    this.#values[this.length++] = value;
  }

  /** What has been pushed. */
  get values(): A {
    return this.#values.subarray(0, this.length) as A;
  }
}

/** Annotations as they are read, before it is known which images and categories there are. */
export class AnnotationReader {
  readonly #ids = new Column(Float64Array);
  readonly #imageIds = new Column(Float64Array);
  readonly #categoryIds = new Column(Float64Array);
  readonly #boxes = new Column(Float64Array);
  readonly #areas = new Column(Float64Array);
  readonly #crowds = new Column(Uint8Array);

  get length(): number {
    return this.#ids.length;
  }

  push({ id, imageId, categoryId, bbox, area, isCrowd }: RawAnnotation): void {
    this.#ids.push(id);
    this.#imageIds.push(imageId);
    this.#categoryIds.push(categoryId);
    for (const side of bbox) this.#boxes.push(side);
    this.#areas.push(area);
    this.#crowds.push(isCrowd ? 1 : 0);
  }

  /** As they were pushed. */
  get columns() {
    return {
      ids: this.#ids.values,
      imageIds: this.#imageIds.values,
      categoryIds: this.#categoryIds.values,
      boxes: this.#boxes.values,
      areas: this.#areas.values,
      crowds: this.#crowds.values,
    };
  }
}

/** Annotations in columns, in the order of their file. Images and classes are positions in the lists below. */
export interface AnnotationColumns {
  ids: Float64Array;
  images: Int32Array;
  classes: Int32Array;
  /** [n, 4] x, y, width, height */
  boxes: Float64Array;
  areas: Float64Array;
  /** 1: a crowd. */
  crowds: Uint8Array;
}

/**
 * The annotations of a file, in columns: 61 bytes each, where objects take 250. Boxes stay float64, so that evaluation finds
 * what pycocotools finds.
 */
export class AnnotationTable implements Iterable<CocoAnnotation> {
  readonly columns: AnnotationColumns;
  readonly #images: readonly CocoImageEntry[];
  readonly #classes: readonly Category[];
  /** Rows ordered by image, and where each image's begin. */
  readonly #rows: Uint32Array;
  readonly #starts: Uint32Array;

  constructor(columns: AnnotationColumns, images: readonly CocoImageEntry[], classes: readonly Category[]) {
    this.columns = columns;
    this.#images = images;
    this.#classes = classes;
    this.#starts = new Uint32Array(images.length + 1);
    for (const image of columns.images) this.#starts[image + 1]++;
    for (let image = 0; image < images.length; image++) this.#starts[image + 1] += this.#starts[image];
    const next = this.#starts.slice();
    this.#rows = new Uint32Array(columns.images.length);
    for (let row = 0; row < this.#rows.length; row++) this.#rows[next[columns.images[row]]++] = row;
  }

  get length(): number {
    return this.columns.ids.length;
  }

  /** Each annotation as an object of its own. */
  *[Symbol.iterator](): Iterator<CocoAnnotation> {
    const { ids, images, classes, boxes, areas, crowds } = this.columns;
    for (let row = 0; row < ids.length; row++) {
      yield {
        id: ids[row],
        image_id: this.#images[images[row]].id,
        category_id: this.#classes[classes[row]].id,
        bbox: [boxes[4 * row], boxes[4 * row + 1], boxes[4 * row + 2], boxes[4 * row + 3]],
        area: areas[row],
        iscrowd: crowds[row] ? 1 : 0,
      };
    }
  }

  /** The rows of an image, in the order of the file. */
  rowsOf(image: number): Uint32Array {
    return this.#rows.subarray(this.#starts[image], this.#starts[image + 1]);
  }

  /** The box of a row, clipped to its image, as x1, y1, x2, y2; null where nothing of it is left. */
  clipped(row: number): [number, number, number, number] | null {
    const { images, boxes } = this.columns;
    const { width, height } = this.#images[images[row]];
    const [x, y] = [boxes[4 * row], boxes[4 * row + 1]];
    const [x1, y1] = [Math.max(x, 0), Math.max(y, 0)];
    const [x2, y2] = [Math.min(x + boxes[4 * row + 2], width), Math.min(y + boxes[4 * row + 3], height)];
    return x2 > x1 && y2 > y1 ? [x1, y1, x2, y2] : null;
  }
}
