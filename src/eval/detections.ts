import { type GroundTruth, isBox } from '../data/coco.js';
import { readJson } from '../data/json.js';
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

/**
 * Reads detections in COCO's results format: a JSON array of `{ image_id, category_id, bbox, score }`; other fields are dropped.
 *
 * @param truth the annotations that they answer
 * @throws {InputError} the file is missing, not JSON or not an array; a field is missing or malformed; an image or category
 * is not in `truth`
 * @see https://cocodataset.org/#format-results
 */
export async function readDetections(file: string, truth: GroundTruth): Promise<Detection[]> {
  const json = await readJson(file);
  if (!Array.isArray(json))
    throw new InputError(`${file} holds ${json === null ? 'null' : typeof json}, expected an array of detections`);
  const imageIds = new Set(truth.images.map(({ id }) => id));
  const categoryIds = new Set(truth.categories.map(({ id }) => id));
  return json.map((entry: Partial<Record<keyof Detection, unknown>> | null, i): Detection => {
    const { image_id, category_id, bbox, score } = entry ?? {};
    const fail = (field: keyof Detection, expected: string) => {
      const found = entry && field in entry ? `is ${JSON.stringify(entry[field])}` : 'is missing';
      return new InputError(`${file}: [${i}].${field} ${found}, expected ${expected}`);
    };
    if (typeof image_id !== 'number' || !imageIds.has(image_id))
      throw fail('image_id', 'the id of an image of the annotations; are both of the same split?');
    if (typeof category_id !== 'number' || !categoryIds.has(category_id))
      throw fail('category_id', `one of the annotations' categories: ${[...categoryIds].join(', ')}`);
    if (!isBox(bbox)) throw fail('bbox', '[x, y, width, height]');
    if (typeof score !== 'number' || !Number.isFinite(score)) throw fail('score', 'a number');
    return { image_id, category_id, bbox, score };
  });
}
