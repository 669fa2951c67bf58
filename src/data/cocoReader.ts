import { few } from '../util/counts.js';
import { InputError } from '../util/error.js';
import { AnnotationReader, AnnotationTable } from './annotations.js';
import type { CocoDataset, CocoOptions } from './cocoDataset.js';
import { listed } from './cocoImages.js';
import { FieldChecks } from './fieldChecks.js';
import type { Category, CocoImageEntry } from './groundTruth.js';
import type { JsonVisitor } from './jsonStream.js';
import { oddities } from './oddities.js';
import { type GivenCategory, withoutParents } from './parentCategories.js';

const LISTS = ['images', 'categories', 'annotations'] as const;

/** Takes the entries of a COCO annotation file, checks each, and puts the data set together. */
export class CocoReader implements JsonVisitor {
  readonly #file: string;
  readonly #checks: FieldChecks;
  readonly #begun = new Set<string | null>();
  readonly #images: CocoImageEntry[] = [];
  readonly #imageIndex = new Map<number, number>();
  readonly #categories: GivenCategory[] = [];
  readonly #categoryIds = new Set<number>();
  readonly #annotations = new AnnotationReader();
  #ignored = 0;

  /** @param file its name, for errors */
  constructor(file: string) {
    this.#file = file;
    this.#checks = new FieldChecks(file);
  }

  array(key: string | null): void {
    if (this.#begun.has(key)) throw new InputError(`${this.#file}: "${key}" is there twice; join the two`);
    this.#begun.add(key);
  }

  other(_key: string | null, _value: unknown): void {} // the lists are asked for at the end

  entry(key: string | null, value: unknown): void {
    const list = LISTS.find((name) => name === key);
    if (!list) return;
    const index = this.#checks.next(list);
    const entry = this.#checks.record(value);
    if (!entry) return;
    if (list === 'images') this.#image(entry);
    else if (list === 'categories') this.#category(entry);
    else this.#annotation(entry, index);
  }

  /** @throws {InputError} that names the first fault of each kind, and how many there are */
  finish({ classes: known = [] }: CocoOptions): CocoDataset {
    for (const list of LISTS)
      if (!this.#begun.has(list))
        throw new InputError(`${this.#file}: "${list}" is not an array; give a COCO annotation file`);
    this.#checks.throwFaults();
    if (this.#categories.length === 0)
      throw new InputError(`${this.#file}: "categories" is empty; list at least one class`);
    if (this.#images.length === 0) throw new InputError(`${this.#file}: "images" is empty; list at least one image`);

    const { imageIds, categoryIds, ...columns } = this.#annotations.columns;
    const { categories, notices } = withoutParents(this.#categories, new Set(categoryIds), known);
    this.#assertUniqueNames(categories);
    const classes = [...categories].sort((a, b) => a.id - b.id);
    const images = positions(imageIds, this.#imageIndex);
    const labels = positions(categoryIds, new Map(classes.map(({ id }, index) => [id, index])));
    this.#assertFound(images, 'image_id', imageIds, 'which "images" does not list; add or remove it');
    const ids = few(
      this.#categories.map(({ id }) => String(id)),
      10,
    );
    this.#assertFound(labels, 'category_id', categoryIds, `expected one of ${ids}`);
    this.#checks.throwFaults();

    const table = new AnnotationTable({ ...columns, images, classes: labels }, this.#images, classes);
    const found = oddities(table, this.#images, this.#ignored);
    return {
      classes,
      ...listed(this.#images, categories, table),
      ...found,
      notices: [...notices, ...found.notices],
    };
  }

  #image(image: Record<string, unknown>): void {
    const checks = this.#checks;
    const id = checks.integer('id', image.id);
    const file_name = checks.text('file_name', image.file_name);
    const width = checks.size('width', image.width);
    const height = checks.size('height', image.height);
    if (id === undefined || file_name === undefined || width === undefined || height === undefined) return;
    if (this.#imageIndex.has(id)) checks.fault('id', `is ${id}, used before; make it unique`);
    this.#imageIndex.set(id, this.#images.length);
    this.#images.push({ id, file_name, width, height });
  }

  #category({ id: givenId, name: givenName, supercategory }: Record<string, unknown>): void {
    const id = this.#checks.integer('id', givenId);
    const name = this.#checks.text('name', givenName);
    if (id === undefined || name === undefined) return;
    if (this.#categoryIds.has(id)) this.#checks.fault('id', `is ${id}, used before; make it unique`);
    this.#categoryIds.add(id);
    this.#categories.push({ id, name, parent: typeof supercategory === 'string' ? supercategory : null });
  }

  #annotation(annotation: Record<string, unknown>, index: number): void {
    const checks = this.#checks;
    const id = annotation.id === undefined ? index + 1 : checks.integer('id', annotation.id);
    const imageId = checks.integer('image_id', annotation.image_id);
    const categoryId = checks.integer('category_id', annotation.category_id);
    const bbox = checks.box('bbox', annotation.bbox);
    const area = annotation.area === undefined ? bbox && bbox[2] * bbox[3] : checks.area('area', annotation.area);
    const isCrowd = annotation.iscrowd === undefined ? false : checks.flag('iscrowd', annotation.iscrowd);
    if (annotation.ignore) this.#ignored++;
    // After a fault nothing is kept: it is only counted.
    if (id === undefined || imageId === undefined || categoryId === undefined) return;
    if (bbox === undefined || area === undefined || isCrowd === undefined) return;
    this.#annotations.push({ id, imageId, categoryId, bbox, area, isCrowd });
  }

  #assertUniqueNames(categories: readonly Category[]): void {
    for (const [index, { name }] of categories.entries()) {
      if (categories.findIndex((other) => other.name === name) === index) continue;
      throw new InputError(
        `${this.#file}: categories[${index}].name is ${JSON.stringify(name)}, used before; rename one of the two, or remove it where no annotation needs it`,
      );
    }
  }

  #assertFound(found: Int32Array, field: string, ids: Float64Array, what: string): void {
    for (let index = found.indexOf(-1); index >= 0; index = found.indexOf(-1, index + 1)) {
      this.#checks.fault(field, `is ${ids[index]}, ${what}`, { list: 'annotations', index });
    }
  }
}

/** The position of each id; −1 where there is none. */
function positions(ids: Float64Array, index: ReadonlyMap<number, number>): Int32Array {
  const found = new Int32Array(ids.length);
  for (let i = 0; i < ids.length; i++) found[i] = index.get(ids[i]) ?? -1;
  return found;
}
