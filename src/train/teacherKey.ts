import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { version } from '../../package.json';
import type { CocoFolder } from '../data/folder.js';
import type { Loader } from '../data/loader.js';
import type { ImageSource } from '../data/source.js';
import type { Teacher } from './teacher.js';

const FILES_AT_ONCE = 256;

/** All that a frozen teacher's outputs depend on, to the last bit, for a cache's folder. Plain JSON. */
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

/** Files by names, sizes and times of change, since reading a data set twice may take too long; generated images by their pixels. */
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
