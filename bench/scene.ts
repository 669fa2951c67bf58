import type { HeadLossInput } from '../src/losses/headInput.js';
import { HeadLoss } from '../src/losses/headLoss.js';
import { type GroundTruth, uploadTruth } from '../src/regions/truth.js';
import type { Device } from '../src/tensor/device.js';
import { Random } from '../src/tensor/random.js';
import { noiseMaps } from './noise.js';

/** The size of a head loss. */
export interface SceneSize {
  batch: number;
  /** Side of the square images in pixels. */
  image: number;
  /** Ground truths an image. */
  boxes: number;
  classes: number;
  bins: number;
  /** Default: 8 to 128. */
  strides?: readonly number[];
  /** Default: `reference`. */
  recipe?: string;
}

/** 272,800 edges: 8 images of 640×640 with 80² + 40² + 20² + 10² + 5² locations. */
export const REFERENCE: SceneSize = { batch: 8, image: 640, boxes: 10, classes: 80, bins: 17 };
export const STRIDES = [8, 16, 32, 64, 128];

/** Heads of other detectors, by the ends of their rows' names. */
export const HEADS = {
  yolov8: { batch: 8, image: 640, boxes: 10, classes: 80, bins: 16, strides: [8, 16, 32], recipe: 'yolov8+ld' },
  'nanodet-plus': {
    batch: 8,
    image: 416,
    boxes: 10,
    classes: 80,
    bins: 8,
    strides: [8, 16, 32, 64],
    recipe: 'nanodet-plus+ld',
  },
} as const satisfies Record<string, SceneSize>;
export type HeadName = keyof typeof HEADS;

export interface Scene {
  headLoss: HeadLoss;
  /** The objects of `input.truth`. */
  objects: GroundTruth;
  input: HeadLossInput;
}

/** A head loss and random outputs of two nets. */
export function makeScene(device: Device, size: SceneSize): Scene {
  const { batch, image, boxes, classes, bins, strides = STRIDES, recipe = 'reference' } = size;
  const imageSize = { width: image, height: image };
  const headLoss = new HeadLoss(device, { classes, bins, strides, imageSize, batch, recipe });
  const { levels } = headLoss.grid;
  // A class's logit at the start of training is −4.6: a probability of 0.01.
  const outputs = () => ({
    classLogits: noiseMaps(device, { batch, channels: classes, levels }, -6.6, -2.6),
    boxLogits: noiseMaps(device, { batch, channels: 4 * bins, levels }, -2, 2),
  });
  const objects = randomTruth({ batch, boxes, classes, ...imageSize });
  const truth = uploadTruth(device, objects, { batch, classes });
  return { headLoss, objects, input: { student: outputs(), teacher: outputs(), truth } };
}

/** Sides of the boxes in pixels. */
const SIDES = { least: 24, most: 256 };
/** Boxes lie within so many pixels, so that larger images have more background and not other boxes. */
const FIELD = 640;

/** So many boxes an image, of 24 to 256 pixels a side, within the image's first 640×640 pixels. */
export function randomTruth(size: {
  batch: number;
  boxes: number;
  classes: number;
  width: number;
  height: number;
}): GroundTruth {
  const random = Random.of(size.batch, size.boxes);
  const interval = (extent: number) => {
    const field = Math.min(FIELD, extent);
    const side = random.uniform(Math.min(SIDES.least, field), Math.min(SIDES.most, field));
    const start = random.uniform(0, field - side);
    return [start, start + side];
  };
  const boxes = Array.from({ length: size.batch * size.boxes }, () => {
    const [left, right] = interval(size.width);
    const [top, bottom] = interval(size.height);
    return [left, top, right, bottom];
  });
  return {
    boxes: boxes.flat(),
    labels: boxes.map(() => random.integer(size.classes)),
    images: boxes.map((_, i) => Math.floor(i / size.boxes)),
  };
}
