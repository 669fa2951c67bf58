import { scaleToFit } from '../data/fit.js';
import { Loader } from '../data/loader.js';
import type { ImageSource, ObjectsOfImage } from '../data/source.js';
import type { DetectionNet } from '../detector/net.js';
import { assignedMaps } from '../losses/headAssign.js';
import type { Recipe } from '../losses/recipe.js';
import { assignAtss } from '../regions/atss.js';
import { type Grid, makeGrid } from '../regions/grid.js';
import { uploadTruth } from '../regions/truth.js';
import type { Device } from '../tensor/device.js';
import { type LevelSize, Pyramid } from '../tensor/pyramid.js';
import { InputError } from '../util/error.js';
import { mapInParallel } from '../util/parallel.js';

/** Images at a time … */
const BATCH = 64;
/** … and about this many boxes: kernels take at most 65,535. */
const BOXES = 4096;
/** Images at a time where a model looks at them. */
const MODEL_BATCH = 8;
/** Images at once of a source that must decode them to know their objects: a large one takes a hundred MB. */
const DECODED_AT_ONCE = 4;

/** Where the objects of a class get their positives. */
export interface ClassAssignment {
  /** Of the class. */
  name: string;
  /** How many there are. */
  objects: number;
  /** Median √(width · height) in pixels of the network's input; 0 without objects. */
  side: number;
  /** Objects without a positive: ATSS does not force any. */
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
  /** How they are assigned: in the epochs after `regions.switchAfter`. */
  recipe: Recipe;
  /** What the assigner goes by, unless it is ATSS; of this image size and these strides. */
  model?: DetectionNet;
  /** Told of the images done. */
  onProgress?: (done: number, of: number) => void;
}

/** The objects of some images, image by image, and which of them each location learns. */
interface Assigned {
  boxes: readonly number[];
  labels: readonly number[];
  /** Images that `matched` has, in the order of a pyramid of one channel. */
  batch: number;
  matched: ArrayLike<number>;
}

/**
 * Counts the positives that a recipe's assigner gives to the objects of each class, level by level. Of ATSS it can be seen before
 * anything is trained whether the anchors fit the data; other assigners go by what a model predicts. A level that a rare class
 * shares with a frequent one learns the frequent one first.
 * @returns a class each, in the order of the source's
 * @throws InputError for sizes that are not possible, images that cannot be read, or an assigner that lacks its model
 */
export async function assignmentStatistics(device: Device, options: AssignmentOptions): Promise<ClassAssignment[]> {
  const { source, imageSize, strides, recipe } = options;
  const grid = makeGrid({ imageSize, strides, ...recipe.regions });
  const sides: number[][] = source.classes.map(() => []);
  const classes = source.classes.map(({ name }): ClassAssignment => {
    return { name, objects: 0, side: 0, unassigned: 0, positives: strides.map(() => 0) };
  });
  const isAtss = recipe.regions.assigner === 'atss';
  for await (const found of isAtss ? byAtss(device, grid, options) : byModel(device, grid, options)) {
    const { boxes, labels } = found;
    const positives = countPositives(found, grid);
    for (const [object, label] of labels.entries()) {
      const [x1, y1, x2, y2] = boxes.slice(4 * object, 4 * object + 4);
      sides[label].push(Math.sqrt((x2 - x1) * (y2 - y1)));
      const own = classes[label];
      own.objects++;
      for (const [level, n] of positives[object].entries()) own.positives[level] += n;
      if (positives[object].every((n) => n === 0)) own.unassigned++;
    }
  }
  return classes.map((one, label) => ({ ...one, side: median(sides[label]) }));
}

/** By the boxes alone: no image is decoded where the source knows its objects. */
async function* byAtss(device: Device, grid: Grid, options: AssignmentOptions): AsyncGenerator<Assigned> {
  const { source, imageSize, recipe, onProgress } = options;
  const { topk, ignoreIofThreshold } = recipe.regions;
  for await (const images of batches(source, onProgress)) {
    const objects = images.map((image) => fitted(image, imageSize));
    const boxes = objects.flatMap((image) => image.boxes);
    const labels = objects.flatMap((image) => image.labels);
    const truth = uploadTruth(
      device,
      {
        boxes,
        labels,
        images: objects.flatMap((image, position) => image.labels.map(() => position)),
        ignoreBoxes: objects.flatMap((image) => image.ignore),
        ignoreImages: objects.flatMap(({ ignore }, position) => Array<number>(ignore.length / 4).fill(position)),
      },
      { batch: BATCH, classes: source.classes.length },
    );
    const assignment = assignAtss(grid, truth, { topk, ignoreIofThreshold });
    const matched = await assignment.matched.read();
    for (const tensor of [truth, ...Object.values(assignment)]) tensor.dispose();
    yield { boxes, labels, batch: BATCH, matched };
  }
}

/** By what a model predicts for each image. */
async function* byModel(device: Device, grid: Grid, options: AssignmentOptions): AsyncGenerator<Assigned> {
  const { source, imageSize, recipe, onProgress } = options;
  const model = modelFor(options);
  const batch = MODEL_BATCH;
  const loader = new Loader(source, { batch, ...imageSize, seed: 0, augment: false, shuffle: false, dropLast: false });
  let done = 0;
  for await (const { images, boxes, labels, imageIndex, ignore, ignoreIndex, ids } of loader.batches(0)) {
    const matched = await device.tidy(() => {
      const objects = { boxes, labels, images: imageIndex, ignoreBoxes: ignore, ignoreImages: ignoreIndex };
      const truth = uploadTruth(device, objects, { batch, classes: source.classes.length });
      const { classLogits, boxLogits } = model.forward(Pyramid.of(device.tensor(images), batch, 3, [imageSize]), {
        training: false,
      });
      const student = { classLogits: classLogits.value, boxLogits: boxLogits.value };
      // The read records its copy at once, before `tidy` takes the tensors back.
      return assignedMaps({ recipe, grid, bins: model.config.bins }, truth, student).matched.read();
    });
    yield { boxes: [...boxes], labels: [...labels], batch, matched };
    done += ids.length;
    onProgress?.(done, source.length);
  }
}

function modelFor({ model, recipe, imageSize, strides }: AssignmentOptions): DetectionNet {
  const { name, regions } = recipe;
  if (regions.assigner === 'given') {
    throw new InputError(`recipe ${name}: regions.assigner is given: there is nothing to count; name an assigner.`);
  }
  if (!model) {
    throw new InputError(
      `model: recipe ${name} assigns by ${regions.assigner}, which goes by what a net predicts; give one that was trained by it (edgewise regions --model RUN).`,
    );
  }
  const { width, height, strides: own } = model.config;
  if (width === imageSize.width && height === imageSize.height && String(own) === String(strides)) return model;
  throw new InputError(
    `model: its input is ${width}×${height} and its strides are ${own}, but those asked for are ${imageSize.width}×${imageSize.height} and ${strides}; give the model's.`,
  );
}

/** The images that have objects, some at a time. */
async function* batches(source: ImageSource, onProgress: AssignmentOptions['onProgress']) {
  let batch: ObjectsOfImage[] = [];
  let boxes = 0;
  for (let start = 0; start < source.length; start += BATCH) {
    const indices = Array.from({ length: Math.min(BATCH, source.length - start) }, (_, i) => start + i);
    const images = await mapInParallel(indices, (index) => objectsOf(source, index), DECODED_AT_ONCE);
    for (const image of images.filter(({ labels }) => labels.length > 0)) {
      const own = (image.boxes.length + image.ignore.length) / 4;
      if (batch.length === BATCH || boxes + own > BOXES) {
        if (batch.length > 0) yield batch;
        [batch, boxes] = [[], 0];
      }
      batch.push(image);
      boxes += own;
    }
    onProgress?.(start + indices.length, source.length);
  }
  if (batch.length > 0) yield batch;
}

async function objectsOf(source: ImageSource, index: number): Promise<ObjectsOfImage> {
  if (source.objects) return source.objects(index);
  const { pixels: _, ...objects } = await source.load(index);
  return objects;
}

/** The objects in pixels of the network's input. */
function fitted({ width, height, boxes, labels, ignore }: ObjectsOfImage, input: LevelSize) {
  const scale = scaleToFit({ width, height }, input);
  const scaled = (values: Float32Array) => Array.from(values, (value) => value * scale);
  return { boxes: scaled(boxes), labels: [...labels], ignore: scaled(ignore) };
}

/** Positives of each object on each level; the boxes of a batch come image by image, as `Truth` has them. */
function countPositives({ matched, labels, batch }: Assigned, grid: Grid): number[][] {
  const counts = labels.map(() => grid.areas.map(() => 0));
  let location = 0;
  for (const [level, area] of grid.areas.entries()) {
    for (const end = location + batch * area; location < end; location++) {
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
