import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import { assertSameClasses, type ClassList } from '../data/classes.js';
import { type OpenDatasetOptions, openDataset } from '../data/folder.js';
import { shapesDataset } from '../data/shapes.js';
import type { ImageSource } from '../data/source.js';
import type { Checkpoint } from '../train/checkpoint.js';
import { tell } from '../util/terminal.js';
import { progressLines } from './counter.js';

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
  test: { count: 128, seed: 4 },
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
  /** What is odd about them; it has been told. */
  notices: string[];
}

/** How a command opens its data. */
export interface DataOptions extends Pick<OpenDatasetOptions, 'classes' | 'checkImages' | 'skipBrokenImages'> {
  /** Of `shapes`; default 512 to train on, 128 to evaluate on. */
  images?: number | undefined;
}

/** `--skip-broken-images` and `--no-check-images`, for commands that read images. */
export function addDataOptions(command: Command): Command {
  return command
    .option('--skip-broken-images', 'leave out images that are missing, broken or of another size; decodes each once')
    .option('--no-check-images', "do not read every image file's header before the start (for millions of images)");
}

/**
 * Opens a split of the data, and tells what is odd about it.
 * @param data `shapes`, or a folder
 * @throws InputError when something is missing or malformed; it names what
 */
export async function openData(data: string, split: Split, options: DataOptions = {}): Promise<Data> {
  if (data === SHAPES) {
    const { seed, count: most } = GENERATED[split];
    const size = { width: GENERATED_SIDE, height: GENERATED_SIDE };
    const source = shapesDataset({ count: options.images ?? most, seed, ...size });
    return { source, name: SHAPES, path: SHAPES, split, ...size, skipped: 0, notices: [] };
  }
  const onProgress = progressLines((done, of) => `${data}, ${split}: ${done} of ${of} images looked at`);
  const source = await openDataset(data, split, { ...options, onProgress });
  const { images, skipped, notices } = source.dataset;
  for (const notice of notices) tell(`${data}, ${split}: ${notice}`);
  const width = images.reduce((most, image) => Math.max(most, image.width), 0);
  const height = images.reduce((most, image) => Math.max(most, image.height), 0);
  const scale = Math.min(1, LARGEST_SIDE / Math.max(width, height));
  return {
    source,
    name: basename(resolve(data)),
    path: resolve(data),
    split,
    width: Math.round(scale * width),
    height: Math.round(scale * height),
    skipped,
    notices,
  };
}

/** @throws InputError where a trained detector's classes are not those of the data */
export function assertClassesOf({ file, metadata: { classes } }: Checkpoint, data: Data): void {
  const remedy = 'Give data with the classes that it was trained on, or train on these: edgewise train';
  assertSameClasses({ owner: file, classes }, classesOf(data), remedy);
}

/**
 * Opens another split of the same data.
 * @throws InputError where it has not the classes of the first; else as `openData`
 */
export async function openFitting(first: Data, split: Split, options: DataOptions): Promise<Data> {
  const other = await openData(first.path, split, {
    ...options,
    classes: first.source.classes.map(({ name }) => name),
  });
  const remedy = 'Give the annotations of both the same categories with the same ids.';
  assertSameClasses(classesOf(first), classesOf(other), remedy);
  return other;
}

function classesOf({ source: { classes }, name, split }: Data): ClassList {
  return { owner: `the ${split} split of ${name}`, classes };
}
