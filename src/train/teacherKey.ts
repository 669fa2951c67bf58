import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { version } from '../../package.json';
import type { CocoFolder } from '../data/folder.js';
import type { Loader } from '../data/loader.js';
import type { ImageSource } from '../data/source.js';
import type { Teacher } from './teacher.js';

/** Files looked at together. */
const FILES_AT_ONCE = 256;

/**
 * Everything that a frozen teacher's outputs depend on, up to the last bit, for a cache's folder: the same text, the same
 * outputs. Plain JSON.
 */
export async function describeTeacher(teacher: Teacher, { source, options, steps }: Loader) {
  const { batch, width, height, seed, augment, shuffle, dropLast, share } = options;
  return {
    version,
    ...(await teacher.describe()),
    loader: { batch, width, height, seed, augment, shuffle, dropLast, steps, ...(share && { share }) },
    images: source.length,
    pixels: await hashImages(source),
  };
}

/**
 * Of files: names, sizes and times of change, since a data set may be too large to be read twice. Generated images have none
 * of these, so their pixels are taken.
 */
async function hashImages(source: ImageSource): Promise<string> {
  const hash = createHash('sha256');
  if ('dataset' in source) {
    const { dataset, paths } = source as CocoFolder;
    for (let start = 0; start < paths.length; start += FILES_AT_ONCE) {
      const files = await Promise.all(paths.slice(start, start + FILES_AT_ONCE).map((path) => stat(path)));
      for (const [i, { size, mtimeMs }] of files.entries()) {
        const { id, fileName, width, height } = dataset.images[start + i];
        hash.update(JSON.stringify([id, fileName, width, height, size, mtimeMs]));
      }
    }
  } else {
    for (let index = 0; index < source.length; index++) {
      const { id, width, height, pixels } = await source.load(index);
      hash.update(JSON.stringify([id, width, height])).update(pixels);
    }
  }
  return hash.digest('hex');
}
