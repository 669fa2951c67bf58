import { readdir, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { InputError } from '../util/error.js';
import { readCoco } from './coco.js';
import type { CocoDataset } from './cocoDataset.js';
import { withoutImages } from './cocoImages.js';
import { type MatchedFiles, matchFiles } from './fileNames.js';
import { checkImages, describeFaults } from './imageCheck.js';
import { decodeImage } from './images.js';
import type { ImageSource } from './source.js';

/** A folder with `annotations/{train,val,test}.json` and `images/`. */
export interface CocoFolder extends ImageSource {
  /** The annotations as they were read. */
  dataset: CocoDataset;
  /** Absolute path of each image, in the order of `dataset.images`. */
  paths: string[];
  /** Images left out because their file is missing, broken, or of another size than annotated. */
  broken: number;
}

/** How a data folder is opened. */
export interface OpenDatasetOptions {
  /** Names of the classes of a model or of another split: none of these is left out as an unused parent category. */
  classes?: readonly string[] | undefined;
  /** False: checks that image files exist but does not read their headers, which takes long for many images. Default true. */
  checkImages?: boolean | undefined;
  /** Decodes every image once and leaves out those that cannot be used, instead of throwing. Default false. */
  skipBrokenImages?: boolean | undefined;
  /** Told of the images looked at. */
  onProgress?: (done: number, of: number) => void;
}

/**
 * Opens one split of a data folder. Checks at once that all image files exist, and their headers, so that faults do not turn up in
 * the middle of a training. `dataset.notices` has what is odd without being wrong.
 *
 * @throws {InputError} the folder, the split's annotations or `images/` is missing; the annotations are wrong, which entries is
 * named; boxes are not in pixels; images are missing, broken, of a format that is not read or of another size than their entry
 * says: how many, and the first of them
 */
export async function openDataset(
  folder: string,
  split: 'train' | 'val' | 'test',
  { classes, checkImages: isChecked = true, skipBrokenImages = false, onProgress }: OpenDatasetOptions = {},
): Promise<CocoFolder> {
  const layout = 'a data folder holds annotations/{train,val,test}.json and images/';
  const annotations = join(folder, 'annotations', `${split}.json`);
  const images = resolve(folder, 'images');
  for (const path of [folder, annotations, images])
    await stat(path).catch(() => {
      throw new InputError(`${path} does not exist; ${layout}`);
    });
  const whole = await readCoco(annotations, classes ? { classes } : {});
  if (whole.boxFault !== null) throw new InputError(`${annotations}: ${whole.boxFault}`);

  // One listing instead of a look at each of a hundred thousand files.
  const entries = await readdir(images, { recursive: true }).catch(({ code, message }: NodeJS.ErrnoException) => {
    // Without symbolic links, as in git on Windows, a link to the images is a file.
    throw new InputError(`${images} ${code === 'ENOTDIR' ? 'is a file' : `cannot be read (${message})`}; ${layout}`);
  });
  const listed = entries.map((name) => name.split(sep).join('/'));
  const names = whole.images.map(({ fileName }) => fileName);
  const files = await matchFiles(images, names, listed);
  if (files.conflict) {
    const [first, second] = files.conflict.map((index) => `images[${index}].file_name ${JSON.stringify(names[index])}`);
    throw new InputError(
      `${annotations}: ${first} and ${second} are the same file, ${files.paths[files.conflict[0]]}; correct one`,
    );
  }
  const missing = new Map(files.missing.map((index) => [index, doesNotExist(files, index, names[index])]));
  const { faults, upright, notices } = isChecked
    ? await checkImages(files.paths, whole.truth.images, {
        known: missing,
        decodeAll: skipBrokenImages,
        ...(onProgress && { onProgress }),
      })
    : { faults: missing, upright: new Set<number>(), notices: [] };
  const unusable = describeFaults(faults, names.length);
  if (faults.size > 0 && !skipBrokenImages)
    throw new InputError(
      `${annotations}: ${unusable}; replace or correct them, or leave them out (--skip-broken-images)`,
    );
  if (faults.size === names.length) throw new InputError(`${annotations}: no image is left; ${unusable}`);

  const kept = names.map((_, index) => index).filter((index) => !faults.has(index));
  const dataset = faults.size > 0 ? withoutImages(whole, new Set(faults.keys())) : whole;
  const paths = kept.map((index) => files.paths[index]);
  const repeated = repeatedFiles(paths);
  const leftOut = faults.size > 0 ? [`left out: ${unusable}`] : [];
  const objects = (index: number) => {
    const { id, width, height, boxes, labels, ignore } = dataset.images[index];
    return { id, width, height, boxes, labels, ignore };
  };
  return {
    dataset: { ...dataset, notices: [...dataset.notices, ...files.notices, ...repeated, ...notices, ...leftOut] },
    paths,
    broken: faults.size,
    length: paths.length,
    classes: dataset.classes,
    objects,
    async load(index) {
      const known = objects(index);
      return { ...known, ...(await decodeImage(paths[index], { ...known, isUpright: upright.has(kept[index]) })) };
    },
  };
}

/** Several entries for one file: an object of one would be background in the others. */
function repeatedFiles(paths: readonly string[]): string[] {
  const seen = new Set<string>();
  const again: string[] = [];
  for (const path of paths) {
    if (seen.has(path)) again.push(path);
    seen.add(path);
  }
  if (again.length === 0) return [];
  const count = `${again.length.toLocaleString('en')} of ${paths.length.toLocaleString('en')}`;
  return [
    `${count} entries name a file that an entry before has (such as ${again[0]}): objects of one are background in the other`,
  ];
}

function doesNotExist({ paths, similar }: MatchedFiles, index: number, name: string): string {
  const other = similar(name);
  const hint = other === undefined ? '' : ` (${other} does: capital letters differ)`;
  return `image ${paths[index]} does not exist${hint}`;
}
