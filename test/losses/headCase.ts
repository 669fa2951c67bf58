import { uploadTruth } from '../../src/regions/truth.js';
import type { Device } from '../../src/tensor/device.js';
import { type Maps, rowMajorLayout } from '../../src/tensor/layout.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { gridLevels } from '../reference/grid.js';
import { noise } from '../reference/noise.js';
import type { HeadOutputs, ImageTruth } from '../reference/types.js';

/** The sizes of a head loss. */
export interface HeadSizes {
  width: number;
  height: number;
  strides: number[];
  batch: number;
  classes: number;
  bins: number;
}

/** Channels of the random features. */
const FEATURES = 6;

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
  };
}

/** Where each element of levels [B, C, H·W] lies in rows [B, A, C]. */
function rowMajorPlaces(sizes: HeadSizes, channels: number): number[] {
  const areas = gridLevels(sizes).map(({ anchors }) => anchors.length);
  const locations = areas.reduce((sum, area) => sum + area, 0);
  const places: number[] = [];
  let start = 0;
  for (const area of areas) {
    for (let image = 0; image < sizes.batch; image++) {
      for (let channel = 0; channel < channels; channel++) {
        for (let i = 0; i < area; i++) places.push((image * locations + start + i) * channels + channel);
      }
    }
    start += area;
  }
  return places;
}

/** The same levels as rows [B, A, C], described by a layout. */
export function uploadRows(device: Device, sizes: HeadSizes, levels: readonly ArrayLike<number>[]): Maps {
  const areas = gridLevels(sizes).map(({ anchors }) => anchors.length);
  const channels = levels[0].length / (sizes.batch * areas[0]);
  const places = rowMajorPlaces(sizes, channels);
  const rows = new Float32Array(places.length);
  levels
    .flatMap((level) => Array.from(level))
    .forEach((value, i) => {
      rows[places[i]] = value;
    });
  return { tensor: device.tensor(rows), layout: rowMajorLayout(channels, areas) };
}

/** Rows [B, A, C] back in the order of the pyramid. */
export function fromRows(sizes: HeadSizes, rows: ArrayLike<number>): number[] {
  const areas = gridLevels(sizes).map(({ anchors }) => anchors.length);
  const channels = rows.length / (sizes.batch * areas.reduce((sum, area) => sum + area, 0));
  return rowMajorPlaces(sizes, channels).map((place) => rows[place]);
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
