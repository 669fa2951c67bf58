import { basename, resolve } from 'node:path';
import { openDataset } from '../data/folder.js';
import { shapesDataset } from '../data/shapes.js';
import type { ImageSource } from '../data/source.js';
import type { Checkpoint } from '../train/checkpoint.js';
import { InputError } from '../util/error.js';
import { tell } from '../util/terminal.js';

/** Instead of a folder: the built-in generated data set. */
export const SHAPES = 'shapes';
/** What the argument `data` may be, for help texts. */
export const DATA_HELP = `folder with annotations/{train,val,test}.json (COCO) and images/, or "${SHAPES}": generated images`;

export const SPLITS = ['train', 'val', 'test'] as const;
export type Split = (typeof SPLITS)[number];

/** Each split has a seed of its own, so that none holds an image of another. */
const GENERATED = {
  train: { count: 512, seed: 1 },
  val: { count: 128, seed: 2 },
  test: { count: 128, seed: 3 },
} as const satisfies Record<Split, object>;
const GENERATED_SIDE = 96;
/** Larger images are made smaller by default: a training on a CPU has few pixels to spend. */
const LARGEST_SIDE = 640;

export interface Data {
  source: ImageSource;
  /** For names of runs. */
  name: string;
  /** Absolute path of the folder, or `shapes`. */
  path: string;
  split: Split;
  /** Images that all others fit into, in pixels, at most 640 a side. */
  width: number;
  height: number;
  /** Annotations left out because their box has no area inside the image. */
  skipped: number;
}

/**
 * Opens a split of the data.
 * @param data `shapes`, or a folder
 * @param count images of `shapes`; default 512 to train on, 128 to evaluate on
 * @throws InputError when something is missing or malformed; it names what
 */
export async function openData(data: string, split: Split, count?: number): Promise<Data> {
  if (data === SHAPES) {
    const { seed, count: most } = GENERATED[split];
    const size = { width: GENERATED_SIDE, height: GENERATED_SIDE };
    const source = shapesDataset({ count: count ?? most, seed, ...size });
    return { source, name: SHAPES, path: SHAPES, split, ...size, skipped: 0 };
  }
  const source = await openDataset(data, split);
  const { images, skipped } = source.dataset;
  if (skipped > 0) {
    const boxes = skipped === 1 ? '1 annotation' : `${skipped} annotations`;
    tell(`${data}, ${split}: left out ${boxes} without area inside the image`);
  }
  const width = Math.max(...images.map((image) => image.width));
  const height = Math.max(...images.map((image) => image.height));
  const scale = Math.min(1, LARGEST_SIDE / Math.max(width, height));
  return {
    source,
    name: basename(resolve(data)),
    path: resolve(data),
    split,
    width: Math.round(scale * width),
    height: Math.round(scale * height),
    skipped,
  };
}

/**
 * A class is a position in a list: the lists of a trained detector and of the data must agree.
 * @throws InputError that names both and the remedy
 */
export function assertSameClasses({ file, metadata }: Checkpoint, { classes }: ImageSource): void {
  const names = (list: ImageSource['classes']) => list.map(({ name }) => name).join(', ');
  if (names(metadata.classes) === names(classes)) return;
  throw new InputError(
    `classes: ${file} was trained on ${metadata.classes.length} (${names(metadata.classes)}); the data have ${classes.length} (${names(classes)}). ` +
      'Give data with its classes, or train on these: edgewise train',
  );
}
