import type { Device } from '../tensor/device.js';
import { openedDevice } from '../tensor/deviceArgument.js';
import type { Tensor } from '../tensor/tensor.js';
import { integer, numbers, optional, options } from '../util/argument.js';
import { InputError } from '../util/error.js';

/** The annotated objects of a batch, on the host. */
export interface GroundTruth {
  /** [G, 4] x1, y1, x2, y2 in pixels of the padded image. */
  boxes: ArrayLike<number>;
  /** [G] class of each box, from 0. */
  labels: ArrayLike<number>;
  /** [G] image of the batch that each box is in. */
  images: ArrayLike<number>;
  /** [I, 4] regions to ignore (COCO's crowds), as `boxes`. None unless given. */
  ignoreBoxes?: ArrayLike<number>;
  /** [I] image of each region to ignore. */
  ignoreImages?: ArrayLike<number>;
  /** [B, 2] width, height in pixels before padding: locations beyond ceil(size / stride) learn nothing. Default: all are valid. */
  imageSizes?: ArrayLike<number>;
}

/** The ground truth on the device. Boxes are grouped by image and keep their order within it. */
export interface Truth {
  /** Images, B. */
  readonly batch: number;
  /** Number of classes, C. */
  readonly classes: number;
  /** Number of boxes, G. */
  readonly count: number;
  /** [G, 4] f32 pixels. */
  readonly boxes: Tensor;
  /** [G] i32. */
  readonly labels: Tensor;
  /** [G] u32. */
  readonly images: Tensor;
  /** [B + 1] u32: the boxes of image b are imageStarts[b] up to imageStarts[b + 1]. */
  readonly imageStarts: Tensor;
  /** Number of regions to ignore, I. */
  readonly ignoreCount: number;
  /** [I, 4] f32 pixels. */
  readonly ignoreBoxes: Tensor;
  /** [B + 1] u32, as imageStarts. */
  readonly ignoreStarts: Tensor;
  /** [B, 2] u32 width and height in pixels; 2³⁰ where everything is valid. */
  readonly imageSizes: Tensor;
  /** Whether the images' sizes were given: then some locations may lie beyond their image. */
  readonly limited: boolean;
  /** Gives the memory back; inside a `device.tidy` it is given back anyway. */
  dispose(): void;
}

/** Kernels take a workgroup a box, in one dimension of a dispatch. */
const MAX_BOXES = 65_535;
/** Beyond it areas and squared distances leave f32. */
const MAX_COORDINATE = 1e9;
const UNLIMITED = 2 ** 30;

const SIZE = options({ batch: integer(1), classes: integer(1) });
const GIVEN = options({
  boxes: numbers,
  labels: numbers,
  images: numbers,
  ignoreBoxes: optional(numbers),
  ignoreImages: optional(numbers),
  imageSizes: optional(numbers),
});

/**
 * Uploads the ground truth of a batch. No boxes at all, boxes without area and boxes outside of their image are fine.
 * @param truth boxes in any order; they are sorted by image, stably
 * @throws InputError, before anything is submitted, for lengths that do not fit, coordinates that are not finite or not
 *   ordered, labels and images out of range
 */
export function uploadTruth(device: Device, truth: GroundTruth, size: { batch: number; classes: number }): Truth {
  openedDevice('device', device);
  GIVEN('truth', truth);
  SIZE('size', size);
  const { batch, classes } = size;
  const { labels, images, ignoreBoxes = [], ignoreImages = [], imageSizes } = truth;
  assertBoxes('boxes', truth.boxes, 'images', images, batch);
  assertBoxes('ignoreBoxes', ignoreBoxes, 'ignoreImages', ignoreImages, batch);
  if (labels.length !== images.length) {
    throw new InputError(`labels: ${labels.length} of them for ${images.length} boxes; expected one a box.`);
  }
  assertIndices('labels', labels, classes, 'classes');
  if (imageSizes) assertSizes(imageSizes, batch);

  const order = orderByImage(images);
  const ignoreOrder = orderByImage(ignoreImages);
  const tensors = {
    boxes: device.tensor(gather(truth.boxes, order, 4), [images.length, 4], 'f32'),
    labels: device.tensor(gather(labels, order, 1), [images.length], 'i32'),
    images: device.tensor(gather(images, order, 1), [images.length], 'u32'),
    imageStarts: device.tensor(startsOf(images, batch), [batch + 1], 'u32'),
    ignoreBoxes: device.tensor(gather(ignoreBoxes, ignoreOrder, 4), [ignoreImages.length, 4], 'f32'),
    ignoreStarts: device.tensor(startsOf(ignoreImages, batch), [batch + 1], 'u32'),
    imageSizes: device.tensor(imageSizes ?? new Array<number>(2 * batch).fill(UNLIMITED), [batch, 2], 'u32'),
  };
  return {
    batch,
    classes,
    count: images.length,
    ignoreCount: ignoreImages.length,
    limited: imageSizes !== undefined,
    ...tensors,
    dispose: () => {
      for (const tensor of Object.values(tensors)) tensor.dispose();
    },
  };
}

function assertBoxes(
  name: string,
  boxes: ArrayLike<number>,
  imagesName: string,
  images: ArrayLike<number>,
  batch: number,
): void {
  if (boxes.length !== 4 * images.length) {
    throw new InputError(
      `${name}: ${boxes.length} values for ${images.length} ${imagesName}; expected four (x1, y1, x2, y2) a box and one image a box.`,
    );
  }
  if (images.length > MAX_BOXES) {
    throw new InputError(`${name}: ${images.length} boxes in a batch; at most ${MAX_BOXES}. Make the batch smaller.`);
  }
  assertIndices(imagesName, images, batch, 'images in the batch');
  for (let i = 0; i < images.length; i++) {
    const box = [0, 1, 2, 3].map((edge) => boxes[4 * i + edge]);
    if (!box.every((value) => Math.abs(value) <= MAX_COORDINATE)) {
      throw new InputError(`${name}: box ${i} is [${box}]; expected finite pixels below ${MAX_COORDINATE}.`);
    }
    if (box[2] < box[0] || box[3] < box[1]) {
      throw new InputError(
        `${name}: box ${i} is [${box}]; expected x1, y1, x2, y2 with x1 ≤ x2 and y1 ≤ y2. Is it [x, y, width, height]?`,
      );
    }
  }
}

function assertIndices(name: string, values: ArrayLike<number>, limit: number, meaning: string): void {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isInteger(values[i]) || values[i] < 0 || values[i] >= limit) {
      throw new InputError(`${name}: entry ${i} is ${values[i]}; there are ${limit} ${meaning}, numbered from 0.`);
    }
  }
}

function assertSizes(sizes: ArrayLike<number>, batch: number): void {
  if (sizes.length !== 2 * batch) {
    throw new InputError(`imageSizes: ${sizes.length} values; expected width and height of ${batch} images.`);
  }
  for (let i = 0; i < sizes.length; i++) {
    if (!Number.isInteger(sizes[i]) || sizes[i] < 1 || sizes[i] > UNLIMITED) {
      throw new InputError(`imageSizes: entry ${i} is ${sizes[i]}; expected a positive whole number of pixels.`);
    }
  }
}

/** Indices sorted by image, stably. */
function orderByImage(images: ArrayLike<number>): number[] {
  return Array.from(images, (_, index) => index).sort((a, b) => images[a] - images[b]);
}

function gather(values: ArrayLike<number>, order: readonly number[], width: number): number[] {
  return order.flatMap((row) => Array.from({ length: width }, (_, column) => values[width * row + column]));
}

/** [batch + 1]: boxes of the images before each. */
function startsOf(images: ArrayLike<number>, batch: number): number[] {
  const starts = new Array<number>(batch + 1).fill(0);
  for (let i = 0; i < images.length; i++) starts[images[i] + 1]++;
  for (let image = 0; image < batch; image++) starts[image + 1] += starts[image];
  return starts;
}
