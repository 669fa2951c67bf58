import { Loader } from '../data/loader.js';
import type { ImageSource } from '../data/source.js';
import type { Recipe } from '../losses/recipe.js';
import { assignAtss } from '../regions/atss.js';
import { type Grid, makeGrid } from '../regions/grid.js';
import { uploadTruth } from '../regions/truth.js';
import type { Device } from '../tensor/device.js';
import type { LevelSize } from '../tensor/pyramid.js';

/** Images at a time. */
const BATCH = 8;

/** Where the objects of a class get their positives. */
export interface ClassAssignment {
  /** Of the class. */
  name: string;
  /** How many there are. */
  objects: number;
  /** Median √(width · height) in pixels of the network's input; 0 without objects. */
  side: number;
  /** Objects that no location learns: ATSS forces none. */
  unassigned: number;
  /** Positives on each level. */
  positives: number[];
}

/** Which data are assigned how. */
export interface AssignmentOptions {
  /** The images, each seen once, without augmentation. */
  source: ImageSource;
  /** Pixels of the network's input. */
  imageSize: LevelSize;
  /** Pixels a cell of each level. */
  strides: readonly number[];
  /** How they are assigned. */
  recipe: Pick<Recipe, 'regions'>;
  /** Told of the images done. */
  onProgress?: (done: number, of: number) => void;
}

/**
 * Counts the positives that ATSS (Zhang et al., CVPR 2020) gives to the objects of each class, level by level: whether the
 * anchors fit the data can be seen before anything is trained. A level that a rare class shares with a frequent one learns the
 * frequent one first.
 * @returns a class each, in the order of the source's
 * @throws InputError for sizes that are not possible, or images that cannot be read
 */
export async function assignmentStatistics(device: Device, options: AssignmentOptions): Promise<ClassAssignment[]> {
  const { source, imageSize, strides, recipe, onProgress } = options;
  const { centreOffset, octaveScale, topk, ignoreIofThreshold } = recipe.regions;
  const grid = makeGrid({ imageSize, strides, centreOffset, octaveScale });
  const loader = new Loader(source, {
    ...imageSize,
    batch: BATCH,
    seed: 0,
    augment: false,
    shuffle: false,
    dropLast: false,
  });
  const sides: number[][] = source.classes.map(() => []);
  const classes = source.classes.map(({ name }): ClassAssignment => {
    return { name, objects: 0, side: 0, unassigned: 0, positives: strides.map(() => 0) };
  });
  let done = 0;
  for await (const { boxes, labels, imageIndex, ignore, ignoreIndex, ids } of loader.batches(0)) {
    const truth = uploadTruth(
      device,
      { boxes, labels, images: imageIndex, ignoreBoxes: ignore, ignoreImages: ignoreIndex },
      { batch: BATCH, classes: classes.length },
    );
    const assignment = assignAtss(grid, truth, { topk, ignoreIofThreshold });
    const matched = await assignment.matched.read();
    for (const tensor of [truth, ...Object.values(assignment)]) tensor.dispose();
    const positives = countPositives(matched, grid, labels.length);
    for (const [object, label] of labels.entries()) {
      const [x1, y1, x2, y2] = boxes.subarray(4 * object, 4 * object + 4);
      sides[label].push(Math.sqrt((x2 - x1) * (y2 - y1)));
      const found = classes[label];
      found.objects++;
      for (const [level, n] of positives[object].entries()) found.positives[level] += n;
      if (positives[object].every((n) => n === 0)) found.unassigned++;
    }
    done += ids.length;
    onProgress?.(done, source.length);
  }
  return classes.map((one, label) => ({ ...one, side: median(sides[label]) }));
}

/** Positives of each object on each level; the boxes of a batch come image by image, as `Truth` has them. */
function countPositives(matched: ArrayLike<number>, grid: Grid, objects: number): number[][] {
  const counts = Array.from({ length: objects }, () => grid.areas.map(() => 0));
  let location = 0;
  for (const [level, area] of grid.areas.entries()) {
    for (const end = location + BATCH * area; location < end; location++) {
      if (matched[location] >= 0) counts[matched[location]][level]++;
    }
  }
  return counts;
}

function median(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1] + sorted[Math.floor(middle)]) / 2;
}
