import { HeadLoss } from '../../src/losses/headLoss.js';
import type { HeadOutputs as NetOutputs } from '../../src/losses/headOutputs.js';
import type { PartialRecipe } from '../../src/losses/recipe.js';
import type { TeacherHeadOptions } from '../../src/regions/teacherHead.js';
import { uploadTruth } from '../../src/regions/truth.js';
import type { Device } from '../../src/tensor/device.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { gridLevels } from '../reference/grid.js';
import { noise } from '../reference/noise.js';
import type { HeadOutputs, HeadSizes, ImageTruth } from '../reference/types.js';

/** Of most tests of the head loss: other bins are other variants of its kernels, which take seconds to compile. */
export const SIZES: HeadSizes = { width: 96, height: 64, strides: [8, 16, 32], batch: 2, classes: 4, bins: 5 };
export const TRUTHS: ImageTruth[] = [
  {
    boxes: [
      [10.3, 5.1, 60.7, 50.2],
      [40.9, 20.4, 90.1, 63.3],
    ],
    labels: [1, 3],
  },
  { boxes: [[3.2, 7.7, 33.1, 30.9]], labels: [0] },
];
/** The reference implementation's defaults. */
export const REFERENCE: PartialRecipe = {
  ld: { main: 0.25, vlr: 0.25 },
  kd: { main: 10 },
  regions: { vlr: 'reference' },
};

/** Channels of the random features. */
const FEATURES = 6;

export function makeHeadLoss(
  device: Device,
  sizes: HeadSizes,
  recipe: string | PartialRecipe,
  teacher?: TeacherHeadOptions,
): HeadLoss {
  const { width, height } = sizes;
  return new HeadLoss(device, { ...sizes, imageSize: { width, height }, recipe, ...(teacher && { teacher }) });
}

/** Random outputs of a head, one array a level. */
export function randomOutputs(sizes: HeadSizes, seed: number, scale: number): Required<HeadOutputs> {
  const { batch, classes, bins } = sizes;
  const draw = (channels: number, offset: number) =>
    gridLevels(sizes).map((level, l) =>
      Float32Array.from(noise(seed + 31 * l + offset, batch * channels * level.anchors.length, scale)),
    );
  return { classLogits: draw(classes, 1), boxLogits: draw(4 * bins, 2), features: draw(FEATURES, 3) };
}

/** Levels [B, C, H·W] as a pyramid on the device. */
export function upload(device: Device, sizes: HeadSizes, levels: readonly ArrayLike<number>[]): Pyramid {
  const grid = gridLevels(sizes).map(({ width, height }) => ({ width, height }));
  const flat = Float32Array.from(levels.flatMap((level) => Array.from(level)));
  const channels = levels[0].length / (sizes.batch * grid[0].height * grid[0].width);
  return Pyramid.of(device.tensor(flat), sizes.batch, channels, grid);
}

/** All outputs of a head as pyramids on the device. */
export function uploadOutputs(device: Device, sizes: HeadSizes, outputs: HeadOutputs) {
  return {
    classLogits: upload(device, sizes, outputs.classLogits),
    boxLogits: upload(device, sizes, outputs.boxLogits),
    ...(outputs.features && { features: upload(device, sizes, outputs.features) }),
  } satisfies NetOutputs;
}

/** The ground truth of a batch on the device. */
export function uploadTruths(device: Device, sizes: HeadSizes, truths: readonly ImageTruth[]) {
  const images = truths.flatMap(({ boxes }, image) => boxes.map(() => image));
  const ignoreImages = truths.flatMap(({ ignore = [] }, image) => ignore.map(() => image));
  return uploadTruth(
    device,
    {
      boxes: truths.flatMap(({ boxes }) => boxes.flat()),
      labels: truths.flatMap(({ labels }) => [...labels]),
      images,
      ignoreBoxes: truths.flatMap(({ ignore = [] }) => ignore.flat()),
      ignoreImages,
    },
    sizes,
  );
}
