import decodeSource from '../../shaders/detector/decode.wgsl';
import { assertMapVariable } from '../autograd/argument.js';
import { type Recipe, resolveRecipe } from '../losses/recipe.js';
import { assertDistances, binConstants, binParams, headProjection, type Projection } from '../regions/binValues.js';
import { makeGrid } from '../regions/grid.js';
import { assertMaps } from '../tensor/layout.js';
import { assertPyramid, type Level, type Pyramid } from '../tensor/pyramid.js';
import type { Tensor } from '../tensor/tensor.js';
import {
  anything,
  fields,
  integer,
  listOf,
  number,
  optional,
  options as optionsOf,
  positive,
} from '../util/argument.js';
import { InputError } from '../util/error.js';
import { type ChooseOptions, chooseDetections, type Detections } from './choose.js';
import type { DetectorConfig } from './config.js';
import type { HeadLogits } from './head.js';

const DECODE = { name: 'decode', source: decodeSource };

/** How detections are chosen, and what the bins mean. */
export interface DecodeOptions extends ChooseOptions {
  /** Pixels that each image fills of the network's input, from the top left; default all of it. Boxes are clamped to it. */
  imageSizes?: readonly { width: number; height: number }[];
  /** What the bins mean: the recipe that the detector was trained with; default `gfocal`. */
  recipe?: Pick<Recipe, 'box' | 'regions'>;
  /** What the bins stand for, in strides: one increasing value a bin; 0 … bins − 1 unless given. For `ltrb` boxes. */
  projection?: Projection;
}

const CONFIG = fields({
  classes: integer(1),
  bins: integer(2),
  strides: anything,
  width: integer(1),
  height: integer(1),
});
const RECIPE = fields({ box: fields({}), regions: fields({}) });
const OUTPUTS = fields({ classLogits: anything, boxLogits: anything });
const OPTIONS = optionsOf({
  scoreThreshold: optional(number),
  candidates: optional(integer(1)),
  iou: optional(number),
  maximum: optional(integer(1)),
  imageSizes: optional(listOf(fields({ width: positive, height: positive }), '{ width, height }, one an image')),
  recipe: optional(RECIPE),
  projection: anything,
});

/**
 * The expectation of every edge and the box it means, on the GPU.
 * @param boxLogits pyramid of 4 · bins channels
 * @param projection what the bins stand for, in strides; bin k for k unless given
 * @returns `expected` [N, 4] in bins (for `ltrb`: distances in strides) and `boxes` [N, 4] xyxy in pixels of the network's
 * input, not clamped; N = batch · locations in the order of a pyramid of one channel. The caller disposes both.
 * @throws InputError when the logits do not fit the configuration
 */
export function decodeBoxes(
  boxLogits: Pyramid,
  config: Omit<DetectorConfig, 'size'>,
  recipe: Pick<Recipe, 'box' | 'regions'> = resolveRecipe('gfocal'),
  projection?: Projection | null,
): { expected: Tensor; boxes: Tensor } {
  assertPyramid('boxLogits', boxLogits);
  CONFIG('config', config);
  RECIPE('recipe', recipe);
  const { bins, strides, width, height } = config;
  const { box, regions } = recipe;
  const table = headProjection('projection', projection, bins);
  assertDistances('projection', table, box.parameters);
  const { device, batch } = boxLogits;
  const grid = makeGrid({ imageSize: { width, height }, strides, ...regions });
  assertMaps('boxLogits', boxLogits, { batch, channels: 4 * bins, areas: grid.areas, meaning: '4 edges × bins' });
  const locations = batch * grid.locations;
  const expected = device.empty([locations, 4]);
  const boxes = device.empty([locations, 4]);
  device.run({
    kernel: DECODE,
    constants: { BINS: bins, OFFSET_BOX: box.parameters === 'offset' ? 1 : 0, ...binConstants(table) },
    bindings: { logits: boxLogits.range, expected: expected.range, boxes: boxes.range },
    params: {
      batch,
      level_count: grid.levels.length,
      locations,
      centre_offset: grid.centreOffset,
      anchor: grid.octaveScale,
      levels: grid.levelTable,
      ...binParams(table),
    },
    invocations: locations,
  });
  return { expected, boxes };
}

/**
 * Detections of each image of a batch: every (location, class) whose score exceeds the threshold, of the best locations of
 * each level, through class-wise non-maximum suppression. Waits for the GPU; the outputs stay the caller's.
 * @throws InputError when the logits do not fit the configuration or `imageSizes` is not one a image
 * @throws DeviceError when class logits, or box logits of a detection, are NaN
 */
export async function decode(
  outputs: HeadLogits,
  config: Omit<DetectorConfig, 'size'>,
  options: DecodeOptions = {},
): Promise<Detections[]> {
  OUTPUTS('outputs', outputs);
  const { classLogits, boxLogits } = outputs;
  for (const [name, value] of Object.entries({ classLogits, boxLogits })) assertMapVariable(`outputs.${name}`, value);
  CONFIG('config', config);
  OPTIONS('options', options);
  const { batch } = classLogits.value;
  const sizes = options.imageSizes ?? Array.from({ length: batch }, () => config);
  if (sizes.length !== batch) throw new InputError(`imageSizes: ${sizes.length} sizes for a batch of ${batch} images.`);
  const areas = boxLogits.value.levels.map((level) => level.height * level.width);
  assertMaps('classLogits', classLogits.value, { batch, channels: config.classes, areas, meaning: 'classes' });
  const decoded = decodeBoxes(boxLogits.value, config, options.recipe, options.projection);
  decoded.expected.dispose();
  const [logits, boxes] = await Promise.all([classLogits.value.read(), decoded.boxes.read()]);
  decoded.boxes.dispose();

  const boxAt = ({ start, height, width }: Level, image: number, index: number) => {
    const row = 4 * (batch * start + image * height * width + index);
    return boxes.subarray(row, row + 4);
  };
  return sizes.map((size, image) =>
    chooseDetections(
      { ...config, logits: logits as Float32Array, maps: classLogits.value, boxAt },
      image,
      size,
      options,
    ),
  );
}
