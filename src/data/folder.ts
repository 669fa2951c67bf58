import { access, readdir, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { InputError } from '../util/error.js';
import { type CocoDataset, readCoco } from './coco.js';
import { decodeImage } from './images.js';
import type { ImageSource } from './source.js';

/** A folder with `annotations/{train,val,test}.json` and `images/`. */
export interface CocoFolder extends ImageSource {
  /** The annotations as they were read. */
  dataset: CocoDataset;
  /** Absolute path of each image, in the order of `dataset.images`. */
  paths: string[];
}

/**
 * Opens one split of a data folder. All images are looked for at once, so that none is missed in the middle of a training.
 *
 * @throws {InputError} the folder, the split's annotations, `images/` or an image is missing (which one is named),
 * or the annotations are wrong, which entry is named
 */
export async function openDataset(folder: string, split: 'train' | 'val' | 'test'): Promise<CocoFolder> {
  const layout = 'a data folder holds annotations/{train,val,test}.json and images/';
  const annotations = join(folder, 'annotations', `${split}.json`);
  const images = resolve(folder, 'images');
  for (const path of [folder, annotations, images])
    await stat(path).catch(() => {
      throw new InputError(`${path} does not exist; ${layout}`);
    });
  const dataset = await readCoco(annotations);

  // One listing instead of a look at each of a hundred thousand files; only what it lacks (behind a link) is looked at.
  const listed = new Set((await readdir(images, { recursive: true })).map((name) => name.split(sep).join('/')));
  const paths = dataset.images.map(({ fileName }) => join(images, fileName));
  const unlisted = paths.filter((_, i) => !listed.has(dataset.images[i].fileName));
  const missing: string[] = [];
  for (const path of unlisted) await access(path).catch(() => missing.push(path));
  if (missing.length > 0) {
    const more = missing.length > 1 ? ` (and ${missing.length - 1} more)` : '';
    throw new InputError(`image ${missing[0]}${more} of ${annotations} does not exist; add it or remove its entry`);
  }

  return {
    dataset,
    paths,
    length: paths.length,
    classes: dataset.classes,
    async load(index) {
      const { id, width, height, boxes, labels, ignore } = dataset.images[index];
      const decoded = await decodeImage(paths[index]);
      if (decoded.width !== width || decoded.height !== height)
        throw new InputError(
          `image ${paths[index]} is ${decoded.width}×${decoded.height} pixels but ${annotations} says ${width}×${height}; ` +
            'the boxes would not fit: correct one of them',
        );
      return { ...decoded, boxes, labels, ignore, id };
    },
  };
}
