import { HeadLoss, type HeadLossInput } from '../src/losses/headLoss.js';
import { uploadTruth } from '../src/regions/truth.js';
import type { Device } from '../src/tensor/device.js';
import { Pyramid } from '../src/tensor/pyramid.js';
import { Random } from '../src/tensor/random.js';

export const BATCH = 8;
export const CLASSES = 80;
export const BINS = 17;
const STRIDES = [8, 16, 32, 64, 128];
const BOXES = 10;

/** The head loss of the reference workload and its input. */
export interface Scene {
  headLoss: HeadLoss;
  input: HeadLossInput;
}

/** 8 square images, 80 classes, 17 bins, 10 boxes an image within 640 × 640 pixels, recipe `reference`. */
export function makeScene(device: Device, size: number): Scene {
  const random = Random.of(1);
  const headLoss = new HeadLoss(device, {
    classes: CLASSES,
    bins: BINS,
    strides: STRIDES,
    imageSize: { width: size, height: size },
    batch: BATCH,
    recipe: 'reference',
  });
  const maps = (channels: number, mean: number) => {
    const length = BATCH * channels * headLoss.grid.locations;
    const values = Float32Array.from({ length }, () => mean + random.uniform(-2, 2));
    return Pyramid.of(device.tensor(values), BATCH, channels, headLoss.grid.levels);
  };
  // A class's logit at the start of training is −4.6: a probability of 0.01.
  const outputs = () => ({ classLogits: maps(CLASSES, -4.6), boxLogits: maps(4 * BINS, 0) });
  const boxes = Array.from({ length: BATCH * BOXES }, () => {
    const [width, height] = [random.uniform(24, 256), random.uniform(24, 256)];
    const [x, y] = [random.uniform(0, 640 - width), random.uniform(0, 640 - height)];
    return [x, y, x + width, y + height];
  });
  const truth = uploadTruth(
    device,
    {
      boxes: boxes.flat(),
      labels: boxes.map(() => Math.floor(random.uniform(0, CLASSES))),
      images: boxes.map((_, i) => Math.floor(i / BOXES)),
    },
    { batch: BATCH, classes: CLASSES },
  );
  return { headLoss, input: { student: outputs(), teacher: outputs(), truth } };
}
