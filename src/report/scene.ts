import { type Batch, Loader } from '../data/loader.js';
import type { ImageSource, Sample } from '../data/source.js';
import type { Detections } from '../detector/choose.js';
import { decode } from '../detector/decode.js';
import type { DetectionNet, NetOutputs } from '../detector/net.js';
import { assignedMaps } from '../losses/headAssign.js';
import type { Recipe } from '../losses/recipe.js';
import { type Grid, makeGrid } from '../regions/grid.js';
import { uploadTruth } from '../regions/truth.js';
import { Pyramid } from '../tensor/pyramid.js';
import { embedImage } from './picture.js';
import type { Box, EdgeBox, LevelMap, RegionMaps, Scene, View } from './types.js';

/** A net to look at: its run's name, and the recipe that says what its bins mean. */
export interface Shown {
  name: string;
  net: DetectionNet;
  recipe: Recipe;
}

/** The head's outputs of one image, on the host. */
interface Head {
  shown: Shown;
  found: Detections;
  /** Box logits in the order of a pyramid of 4 · bins channels. */
  logits: Float32Array;
}

/** Detections of lower score are not drawn. */
export const DRAWN_SCORE = 0.3;

/**
 * Looks at one image with several detectors of the same grid.
 * @param shown the first is the one that the others' edges are compared with, where `hasTeacher`; the regions are the last one's
 * @param index of the image in the source
 * @throws InputError when the image cannot be read
 */
export async function viewScene(
  shown: readonly Shown[],
  { source, index, rule, hasTeacher }: { source: ImageSource; index: number; rule: string; hasTeacher: boolean },
): Promise<Scene> {
  const [{ net: first, recipe }] = shown;
  const { width, height, bins, strides } = first.config;
  const sample = await source.load(index);
  const one: ImageSource = { length: 1, classes: source.classes, load: async () => sample };
  const loader = new Loader(one, { batch: 1, width, height, seed: 0, augment: false, shuffle: false, dropLast: false });
  const { value: batch } = await loader.batches(0).next();
  if (!batch) throw new Error('a source of one image gave no batch');
  const [scale] = batch.scales;
  const fitted = { width: sample.width * scale, height: sample.height * scale };

  const heads: Head[] = [];
  let regions: RegionMaps | undefined;
  for (const each of shown) {
    const isLast = heads.length === shown.length - 1;
    const also = async (outputs: NetOutputs) => {
      if (isLast) regions = await viewRegions(each, outputs, batch);
    };
    heads.push(await lookAt(each, batch.images, fitted, also));
  }
  if (!regions) throw new Error('no detector is shown');
  const grid = makeGrid({ imageSize: { width, height }, strides, ...recipe.regions });
  const edges = heads.map(({ logits }) => expectations(logits, grid, bins));
  const views = heads.map(({ shown: { name }, found, logits }, i): View => {
    const isTeacher = hasTeacher && i === 0;
    return {
      run: name,
      // Only the bins of ltrb boxes stand for places.
      boxes: recipe.box.parameters === 'ltrb' ? edgeBoxes(found, logits, grid, { bins, scale }) : [],
      errors: hasTeacher && !isTeacher ? edgeErrors(edges[i], edges[0], grid) : null,
    };
  });
  const picture = { id: sample.id, name: nameOf(source, index), scale, ...(await embedImage(sample)) };
  return { picture, rule, bins, truth: truthOf(sample), views, regions };
}

/** @param also what else to do with the outputs, before they go */
async function lookAt(
  shown: Shown,
  images: Float32Array,
  fitted: { width: number; height: number },
  also: (outputs: NetOutputs) => Promise<void>,
): Promise<Head> {
  const { net, recipe } = shown;
  const { width, height } = net.config;
  const pixels = net.parameters.device.tensor(images);
  let outputs: NetOutputs | undefined;
  try {
    outputs = net.forward(Pyramid.of(pixels, 1, 3, [{ width, height }]), { training: false });
    const [[found], logits] = await Promise.all([
      decode(outputs, net.config, { imageSizes: [fitted], scoreThreshold: DRAWN_SCORE, recipe }),
      outputs.boxLogits.value.read() as Promise<Float32Array>,
      also(outputs),
    ]);
    return { shown, found, logits };
  } finally {
    for (const output of [outputs?.classLogits, outputs?.boxLogits, outputs?.features]) output?.value.dispose();
    pixels.dispose();
  }
}

/** Where a location among those of an image is. */
function placeOf(grid: Grid, location: number) {
  let start = 0;
  let level = 0;
  while (location >= start + grid.areas[level]) start += grid.areas[level++];
  const index = location - start;
  const { width } = grid.levels[level];
  return { level, start, index, column: index % width, row: Math.floor(index / width) };
}

function edgeBoxes(
  { boxes, scores, labels, locations }: Detections,
  logits: Float32Array,
  grid: Grid,
  { bins, scale }: { bins: number; scale: number },
): EdgeBox[] {
  return Array.from(scores, (score, i) => {
    const { level, column, row } = placeOf(grid, locations[i]);
    const step = grid.strides[level] / scale;
    return {
      box: Array.from(boxes.subarray(4 * i, 4 * i + 4), (value) => value / scale) as unknown as Box,
      label: labels[i],
      score,
      centre: [(column + grid.centreOffset) * step, (row + grid.centreOffset) * step],
      step,
      edges: [0, 1, 2, 3].map((edge) => distributionAt(logits, grid, bins, locations[i], edge)),
    };
  });
}

/** Softmax over the bins of one edge at one location. */
function distributionAt(logits: Float32Array, grid: Grid, bins: number, location: number, edge: number): number[] {
  const { level, start, index } = placeOf(grid, location);
  const area = grid.areas[level];
  const at = 4 * bins * start + edge * bins * area + index;
  const z = Array.from({ length: bins }, (_, k) => logits[at + k * area]);
  const highest = Math.max(...z);
  const powers = z.map((value) => Math.exp(value - highest));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

/** [locations][4] expected bins. */
function expectations(logits: Float32Array, grid: Grid, bins: number): number[][] {
  return Array.from({ length: grid.locations }, (_, location) =>
    [0, 1, 2, 3].map((edge) =>
      distributionAt(logits, grid, bins, location, edge).reduce((sum, p, k) => sum + p * k, 0),
    ),
  );
}

function edgeErrors(own: number[][], teacherOwn: number[][], grid: Grid): LevelMap[] {
  let start = 0;
  return grid.levels.map(({ width, height }, level) => {
    const values = Array.from({ length: width * height }, (_, index) => {
      const location = start + index;
      return own[location].reduce((sum, edge, i) => sum + Math.abs(edge - teacherOwn[location][i]), 0) / 4;
    });
    start += width * height;
    return { stride: grid.strides[level], width, height, values };
  });
}

/** What the recipe's assigner makes of the net's outputs for the one image, as the head loss has it. */
async function viewRegions(
  { name, net, recipe }: Shown,
  { classLogits, boxLogits }: NetOutputs,
  { boxes, labels, imageIndex, ignore, ignoreIndex }: Batch,
): Promise<RegionMaps> {
  const { width, height, strides, bins, classes } = net.config;
  const { device } = net.parameters;
  const grid = makeGrid({ imageSize: { width, height }, strides, ...recipe.regions });
  const [matched, weights] = await device.tidy(() => {
    const objects = { boxes, labels, images: imageIndex, ignoreBoxes: ignore, ignoreImages: ignoreIndex };
    const truth = uploadTruth(device, objects, { batch: 1, classes });
    const student = { classLogits: classLogits.value, boxLogits: boxLogits.value };
    const maps = assignedMaps({ recipe, grid, bins }, truth, student);
    // Each read records its copy at once, before `tidy` takes the tensors back.
    return Promise.all([maps.matched.read(), maps.vlr.read()]);
  });
  let start = 0;
  const levels = grid.levels.map(({ width: columns, height: rows }, level) => {
    const [from, to] = [start, start + columns * rows];
    start = to;
    return {
      stride: strides[level],
      width: columns,
      height: rows,
      main: Array.from(matched.subarray(from, to), (object) => object >= 0),
      valuable: Array.from(weights.subarray(from, to)),
    };
  });
  const { assigner, vlr, gamma, centreOffset } = recipe.regions;
  return { run: name, assigner, vlr, gamma, centreOffset, levels };
}

function truthOf({ boxes, labels }: Sample) {
  return Array.from(labels, (label, i) => ({
    box: Array.from(boxes.subarray(4 * i, 4 * i + 4)) as unknown as Box,
    label,
  }));
}

/** The image's file, where it has one. */
function nameOf(source: ImageSource, index: number): string {
  if (!('dataset' in source)) return `generated image ${index}`;
  const { dataset } = source as ImageSource & { dataset: { images: { fileName: string }[] } };
  return dataset.images[index].fileName;
}
