/** Heads whose students the assigners look at. */
import type { HeadMaps } from '../../src/regions/student.js';
import type { Device } from '../../src/tensor/device.js';
import { type FormName, store, storeTogether } from '../losses/headLayouts.js';
import type { BoxParameters } from '../reference/boxParameters.js';
import type { GoldenHead } from '../reference/goldenHeads.js';
import { gridLevels } from '../reference/grid.js';
import { noise } from '../reference/noise.js';
import { imagePredictions } from '../reference/predictions.js';
import type { HeadOutputs, HeadSizes, ImageAssignment, ImagePredictions } from '../reference/types.js';
import { oracleGrid, scatter, type TestBatch } from './batches.js';
import type { ReadMaps } from './readAssignment.js';

export function sizesOf({ imageSize, strides, images, classes, octaveScale }: TestBatch, bins: number) {
  return { ...imageSize, strides, batch: images.length, classes, bins, octaveBaseScale: octaveScale };
}

/** Logits of all levels; those of boxes far enough apart for boxes of all sizes. */
export function randomHead(sizes: HeadSizes, seed: number, scale = { classes: 2, boxes: 3 }): HeadOutputs {
  const levels = gridLevels(sizes).map(({ anchors }) => sizes.batch * anchors.length);
  const logits = (channels: number, by: number, own: number) =>
    levels.map((size, level) => Float32Array.from(noise(seed + 2 * level + own, size * channels, by)));
  return { classLogits: logits(sizes.classes, scale.classes, 0), boxLogits: logits(4 * sizes.bins, scale.boxes, 1) };
}

/** Forms of a head's memory: its logits apart, or in YOLOv8's one tensor. */
export type HeadForm = FormName | 'together';

export function uploadHead(
  device: Device,
  sizes: HeadSizes,
  { classLogits, boxLogits }: HeadOutputs,
  form: HeadForm,
): HeadMaps {
  if (form === 'together') return storeTogether(device, sizes, 'channels', { classLogits, boxLogits });
  return { classLogits: store(device, sizes, form, classLogits), boxLogits: store(device, sizes, form, boxLogits) };
}

/** What the student says of an image's own locations. */
export function ownPredictions(
  batch: TestBatch,
  student: HeadOutputs,
  image: number,
  parameters: BoxParameters,
): ImagePredictions {
  const whole = gridLevels(oracleGrid(batch, batch.imageSize));
  const own = gridLevels(oracleGrid(batch, batch.images[image]));
  const { logits, predicted } = imagePredictions(whole, student, image, batch.classes, parameters);
  const cells = own.flatMap(({ width, height }, l) =>
    Array.from({ length: width * height }, (_, cell) => {
      const [row, column] = [Math.floor(cell / width), cell % width];
      return whole[l].first + row * whole[l].width + column;
    }),
  );
  return { logits: cells.map((i) => logits[i]), predicted: cells.map((i) => predicted[i]) };
}

/** Assignments of the images as maps of the batch, in the order and with the conventions of the device. */
export function expectedMaps(batch: TestBatch, images: readonly ImageAssignment[]): Omit<ReadMaps, 'vlr' | 'weight'> {
  let first = 0;
  const matched = images.map(({ truthIndex }, b) => {
    const shifted = truthIndex.map((g) => (g < 0 ? -1 : g + first));
    first += batch.images[b].boxes.length;
    return shifted;
  });
  const label = images.map(({ label }) => label.map((c) => (c < 0 ? batch.classes : c)));
  return {
    label: scatter(batch, label, batch.classes),
    matched: scatter(batch, matched, -1),
    score: scatter(
      batch,
      images.map(({ score }) => score),
      0,
    ),
  };
}

/** The batch of a golden case. */
export function goldenHeadBatch({ width, height, strides, classes, centreOffset, truth }: GoldenHead): TestBatch {
  const images = truth.map(({ boxes, labels }) => ({
    width,
    height,
    boxes: [...boxes],
    labels: [...labels],
    ignore: [],
  }));
  return { imageSize: { width, height }, strides, classes, centreOffset, images };
}
