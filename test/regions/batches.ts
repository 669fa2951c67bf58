import fc from 'fast-check';
import type { GridOptions } from '../../src/regions/grid.js';
import type { GroundTruth } from '../../src/regions/truth.js';
import { Random } from '../../src/tensor/random.js';
import type { Box } from '../reference/boxes.js';
import type { GoldenAssignment } from '../reference/golden.js';
import { type GridLevel, gridLevels } from '../reference/grid.js';

/** One image of a batch: its own size, no larger than the padded one, and its boxes in f32 pixels. */
interface TestImage {
  width: number;
  height: number;
  boxes: Box[];
  labels: number[];
  ignore: Box[];
}

export interface TestBatch extends GridOptions {
  strides: number[];
  classes: number;
  images: TestImage[];
}

/** The oracle's grid of one image: the valid part of the batch's. */
export function oracleGrid(batch: TestBatch, { width, height }: { width: number; height: number }) {
  const { strides, centreOffset, octaveScale } = batch;
  return { width, height, strides, centreOffset, octaveBaseScale: octaveScale };
}

function box(random: Random, width: number, height: number, step: number): Box {
  const round = (value: number) => Math.fround(step > 0 ? Math.round(value / step) * step : value);
  const [w, h] = [random.uniform(2, 1.2 * width), random.uniform(2, 1.2 * height)];
  // Now and then wholly outside of the image.
  const [x, y] = [random.uniform(-0.3 * width, 1.3 * width), random.uniform(-0.1 * height, 1.1 * height)];
  return [round(x - w / 2), round(y - h / 2), round(x + w / 2), round(y + h / 2)];
}

/**
 * Batches of 1 to 3 images of up to `most` boxes.
 * @param step pixels: coordinates are multiples of it, which makes ties of distance common; 0: anywhere
 */
export function batches({ most = 7, step = 0, ignore = 0 } = {}): fc.Arbitrary<TestBatch> {
  return fc.nat().map((seed) => {
    const random = Random.of(seed);
    const imageSize = { width: 40 + random.integer(170), height: 40 + random.integer(170) };
    const classes = 1 + random.integer(4);
    const images = Array.from({ length: 1 + random.integer(3) }, () => {
      const width = random.next() < 0.5 ? imageSize.width : 1 + random.integer(imageSize.width);
      const height = random.next() < 0.5 ? imageSize.height : 1 + random.integer(imageSize.height);
      const boxes = Array.from({ length: random.integer(most + 1) }, () =>
        box(random, imageSize.width, imageSize.height, step),
      );
      return {
        width,
        height,
        boxes,
        labels: boxes.map(() => random.integer(classes)),
        ignore: Array.from({ length: ignore }, () => box(random, imageSize.width, imageSize.height, 0)),
      };
    });
    const strides = [[8, 16, 32], [16, 32, 64, 128], [8]][random.integer(3)];
    return {
      imageSize,
      strides,
      classes,
      images,
      centreOffset: random.integer(2) / 2,
      octaveScale: 4 + random.integer(5),
    };
  });
}

/** The golden cases of test/golden. */
export const goldenNames = [
  'assign-crowded',
  'assign-ignored-regions',
  'big-logits',
  'imitation-gibox',
  'one-class',
  'small-bins',
  'temperature-1',
];

/** The batch of a golden case; its images have the padded size. */
export function goldenBatch({ width, height, strides, classes, truth }: GoldenAssignment): TestBatch {
  const images = truth.map(({ boxes, labels, ignore = [] }) => ({
    width,
    height,
    boxes: [...boxes],
    labels: [...labels],
    ignore: [...ignore],
  }));
  return { imageSize: { width, height }, strides, classes, images };
}

/** The batch as the host hands it over. */
export function groundTruth({ images }: TestBatch): GroundTruth {
  const each = (count: (image: TestImage) => number) =>
    images.flatMap((image, b) => new Array<number>(count(image)).fill(b));
  return {
    boxes: images.flatMap((image) => image.boxes.flat()),
    labels: images.flatMap((image) => image.labels),
    images: each((image) => image.boxes.length),
    ignoreBoxes: images.flatMap((image) => image.ignore.flat()),
    ignoreImages: each((image) => image.ignore.length),
    imageSizes: images.flatMap(({ width, height }) => [width, height]),
  };
}

/**
 * Values of each image's own grid in the order of the device (level, image, row-major).
 * @param outside value of the locations beyond an image
 */
export function scatter<T>(batch: TestBatch, perImage: readonly ArrayLike<T>[], outside: T): T[] {
  const whole = gridLevels(oracleGrid(batch, batch.imageSize));
  const own = batch.images.map((image) => gridLevels(oracleGrid(batch, image)));
  return whole.flatMap((level: GridLevel, l) =>
    batch.images.flatMap((_, b) => {
      const { width, height, first } = own[b][l];
      return level.anchors.map((_, cell) => {
        const [row, column] = [Math.floor(cell / level.width), cell % level.width];
        return row < height && column < width ? perImage[b][first + row * width + column] : outside;
      });
    }),
  );
}
