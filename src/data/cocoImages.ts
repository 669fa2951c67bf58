import { AnnotationTable } from './annotations.js';
import type { CocoDataset, CocoImage } from './cocoDataset.js';
import type { Category, CocoImageEntry } from './groundTruth.js';

/** The images of a table of annotations, for training and for evaluation. */
export function listed(
  images: CocoImageEntry[],
  categories: Category[],
  annotations: AnnotationTable,
): Pick<CocoDataset, 'images' | 'truth'> {
  return {
    images: images.map((entry, index) => new TableImage(entry, annotations, index)),
    truth: { images, categories, annotations },
  };
}

/** A data set without some of its images and their annotations. */
export function withoutImages(dataset: CocoDataset, leftOut: ReadonlySet<number>): CocoDataset {
  const { images, categories, annotations } = dataset.truth;
  const kept = images.filter((_, index) => !leftOut.has(index));
  const position = new Int32Array(images.length);
  for (let index = 0, next = 0; index < images.length; index++) position[index] = leftOut.has(index) ? -1 : next++;
  const { ids, images: imageOf, classes, boxes, areas, crowds } = annotations.columns;
  const isKept = (_: number, row: number) => position[imageOf[row]] >= 0;
  const columns = {
    ids: ids.filter(isKept),
    images: imageOf.filter(isKept).map((image) => position[image]),
    classes: classes.filter(isKept),
    boxes: boxes.filter((_, i) => position[imageOf[i >> 2]] >= 0),
    areas: areas.filter(isKept),
    crowds: crowds.filter(isKept),
  };
  return { ...dataset, ...listed(kept, categories, new AnnotationTable(columns, kept, dataset.classes)) };
}

/** An image whose objects are made on demand: arrays of their own would take ten times the memory. */
class TableImage implements CocoImage {
  readonly #entry: CocoImageEntry;
  readonly #table: AnnotationTable;
  readonly #index: number;

  constructor(entry: CocoImageEntry, table: AnnotationTable, index: number) {
    this.#entry = entry;
    this.#table = table;
    this.#index = index;
  }

  get id(): number {
    return this.#entry.id;
  }

  get fileName(): string {
    return this.#entry.file_name;
  }

  get width(): number {
    return this.#entry.width;
  }

  get height(): number {
    return this.#entry.height;
  }

  get boxes(): Float32Array {
    return this.#boxes(0);
  }

  get ignore(): Float32Array {
    return this.#boxes(1);
  }

  get labels(): Int32Array {
    return Int32Array.from(this.#rows(0), ({ row }) => this.#table.columns.classes[row]);
  }

  #boxes(crowd: 0 | 1): Float32Array {
    return Float32Array.from(this.#rows(crowd).flatMap(({ box }) => box));
  }

  /** The annotations with area inside the image. */
  #rows(crowd: 0 | 1) {
    const { crowds } = this.#table.columns;
    return Array.from(this.#table.rowsOf(this.#index)).flatMap((row) => {
      const box = crowds[row] === crowd ? this.#table.clipped(row) : null;
      return box ? [{ row, box }] : [];
    });
  }
}
