import { BoxForm } from '../data/boxForm.js';
import { FieldChecks } from '../data/fieldChecks.js';
import type { CocoImageEntry, GroundTruth } from '../data/groundTruth.js';
import { type JsonVisitor, visitJson } from '../data/jsonStream.js';
import { brief } from '../util/brief.js';
import { few } from '../util/counts.js';
import { InputError } from '../util/error.js';

/** One detection in COCO's results format: `bbox` is [x, y, width, height] in pixels of the original image. */
export interface Detection {
  /** The image's id in the annotations. */
  image_id: number;
  /** The class's id in the annotations. */
  category_id: number;
  /** Pixels. */
  bbox: [number, number, number, number];
  /** Higher comes first. */
  score: number;
}

/** The list of a file that is one. */
const LIST = '';

/**
 * Reads detections in COCO's results format: a JSON array of `{ image_id, category_id, bbox, score }`; other fields are dropped.
 *
 * @param truth the annotations that they answer
 * @param onNotice told what is odd about them without being malformed, with counts
 * @throws {InputError} the file is missing, not JSON or not an array; a field is missing or malformed; an image or category
 * is not in `truth`: with the number of entries that are so
 * @see https://cocodataset.org/#format-results
 */
export async function readDetections(
  file: string,
  truth: GroundTruth,
  onNotice: (notice: string) => void = () => {},
): Promise<Detection[]> {
  const reader = new DetectionsReader(file, truth);
  await visitJson(file, reader);
  return reader.finish(onNotice);
}

class DetectionsReader implements JsonVisitor {
  readonly #file: string;
  readonly #checks: FieldChecks;
  readonly #images: ReadonlyMap<number, CocoImageEntry>;
  readonly #categories: ReadonlySet<number>;
  readonly #detections: Detection[] = [];
  readonly #form = new BoxForm('detection');
  #isArray = false;

  constructor(file: string, { images, categories }: GroundTruth) {
    this.#file = file;
    this.#checks = new FieldChecks(file);
    this.#images = new Map(images.map((image) => [image.id, image]));
    this.#categories = new Set(categories.map(({ id }) => id));
  }

  array(key: string | null): void {
    if (key !== null) this.other(key);
    this.#isArray = true;
  }

  other(key: string | null, value?: unknown): never {
    const found = key !== null ? 'an object' : brief(value);
    throw new InputError(`${this.#file} holds ${found}, expected an array of detections`);
  }

  entry(_: string | null, value: unknown): void {
    const checks = this.#checks;
    checks.next(LIST);
    const entry = checks.record(value);
    if (!entry) return;
    const imageId = checks.integer('image_id', entry.image_id);
    const categoryId = checks.integer('category_id', entry.category_id);
    const bbox = checks.box('bbox', entry.bbox);
    const score = checks.number('score', entry.score);
    if (imageId === undefined || categoryId === undefined || bbox === undefined || score === undefined) return;
    const image = this.#images.get(imageId);
    if (!image) {
      checks.fault('image_id', `is ${imageId}, which is no image of the annotations; are both of the same split?`);
    } else if (!this.#categories.has(categoryId)) {
      const ids = few([...this.#categories].map(String), 10);
      checks.fault('category_id', `is ${categoryId}, expected one of the annotations' categories: ${ids}`);
    } else {
      this.#form.add(...bbox, image);
      this.#detections.push({ image_id: imageId, category_id: categoryId, bbox, score });
    }
  }

  finish(onNotice: (notice: string) => void): Detection[] {
    if (!this.#isArray) this.other('');
    this.#checks.throwFaults();
    for (const notice of [this.#form.fault ?? [], this.#form.fewParts].flat()) onNotice(`${this.#file}: ${notice}`);
    return this.#detections;
  }
}
