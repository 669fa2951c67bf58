import type { CocoDataset, CocoOptions } from './cocoDataset.js';
import { CocoReader } from './cocoReader.js';
import { visitJson } from './jsonStream.js';

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
