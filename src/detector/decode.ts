import decodeSource from '../../shaders/detector/decode.wgsl';
import { type Recipe, resolveRecipe } from '../losses/recipe.js';
import { makeGrid } from '../regions/grid.js';
import { assertMaps } from '../tensor/layout.js';
import type { Pyramid } from '../tensor/pyramid.js';
import type { Tensor } from '../tensor/tensor.js';
import { DeviceError, InputError } from '../util/error.js';
import type { DetectorConfig } from './config.js';
import type { HeadLogits } from './head.js';
import { suppress } from './nms.js';

const DECODE = { name: 'decode', source: decodeSource };

/** The reference implementation's test settings. */
const DEFAULTS = { scoreThreshold: 0.05, candidates: 1000, iou: 0.6, maximum: 100 };

/** How detections are chosen; the defaults are the reference implementation's. */
export interface DecodeOptions {
  /** Scores must exceed it; default 0.05. */
  scoreThreshold?: number;
  /** Locations of each level, by their best score, that go on to suppression; default 1000. */
  candidates?: number;
  /** Non-maximum suppression removes boxes that overlap more; default 0.6. */
  iou?: number;
  /** Most detections of an image; default 100. */
  maximum?: number;
  /** Pixels that each image fills of the network's input, from the top left; default all of it. Boxes are clamped to it. */
  imageSizes?: readonly { width: number; height: number }[];
  /** What the bins mean: the recipe that the detector was trained with; default `gfocal`. */
  recipe?: Pick<Recipe, 'box' | 'regions'>;
}

/** The detections of one image, in order of falling score. */
export interface Detections {
  /** [n, 4] xyxy in pixels of the network's input */
  boxes: Float32Array;
  /** [n] in (0, 1) */
  scores: Float32Array;
  /** [n] class indices */
  labels: Int32Array;
  /** [n] location among those of the image, levels concatenated: where the box's logits are */
  locations: Int32Array;
}

/**
 * The expectation of every edge and the box it means, on the GPU.
 * @param boxLogits pyramid of 4 · bins channels
 * @returns `expected` [N, 4] in bins (for `ltrb`: distances in strides) and `boxes` [N, 4] xyxy in pixels of the network's
 * input, not clamped; N = batch · locations in the order of a pyramid of one channel. The caller disposes both.
 * @throws InputError when the logits do not fit the configuration
 */
export function decodeBoxes(
  boxLogits: Pyramid,
  { bins, strides, width, height }: Omit<DetectorConfig, 'size'>,
  { box, regions }: Pick<Recipe, 'box' | 'regions'> = resolveRecipe('gfocal'),
): { expected: Tensor; boxes: Tensor } {
  const { device, batch } = boxLogits;
  const grid = makeGrid({ imageSize: { width, height }, strides, ...regions });
  assertMaps('boxLogits', boxLogits, { batch, channels: 4 * bins, areas: grid.areas, meaning: '4 edges × bins' });
  const locations = batch * grid.locations;
  const expected = device.empty([locations, 4]);
  const boxes = device.empty([locations, 4]);
  device.run({
    kernel: DECODE,
    constants: { BINS: bins, OFFSET_BOX: box.parameters === 'offset' ? 1 : 0 },
    bindings: { logits: boxLogits.range, expected: expected.range, boxes: boxes.range },
    params: {
      batch,
      level_count: grid.levels.length,
      locations,
      centre_offset: grid.centreOffset,
      anchor: grid.octaveScale,
      levels: grid.levelTable,
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
  { classLogits, boxLogits }: HeadLogits,
  config: Omit<DetectorConfig, 'size'>,
  options: DecodeOptions = {},
): Promise<Detections[]> {
  const { scoreThreshold, candidates, iou, maximum } = { ...DEFAULTS, ...options };
  const { batch, channels, levels } = classLogits.value;
  const sizes = options.imageSizes ?? Array.from({ length: batch }, () => config);
  if (sizes.length !== batch) throw new InputError(`imageSizes: ${sizes.length} sizes for a batch of ${batch} images.`);
  const areas = boxLogits.value.levels.map((level) => level.height * level.width);
  assertMaps('classLogits', classLogits.value, { batch, channels: config.classes, areas, meaning: 'classes' });
  const decoded = decodeBoxes(boxLogits.value, config, options.recipe);
  decoded.expected.dispose();
  const [logits, boxes] = await Promise.all([classLogits.value.read(), decoded.boxes.read()]);
  decoded.boxes.dispose();

  return sizes.map(({ width, height }, image) => {
    const found: { locations: number[]; scores: number[]; labels: number[]; boxes: number[] } = {
      locations: [],
      scores: [],
      labels: [],
      boxes: [],
    };
    for (const [level, { offset, start, height: rows, width: columns }] of levels.entries()) {
      const area = rows * columns;
      const first = offset + image * channels * area;
      const own = logits.subarray(first, first + channels * area);
      const fault = own.findIndex(Number.isNaN);
      if (fault !== -1) throw nanError('class logits', image, config.strides[level], fault % area, columns);
      const best = bestLocations(own, channels, scoreThreshold, candidates);
      for (const index of best) {
        const row = 4 * (batch * start + image * area + index);
        if (boxes.subarray(row, row + 4).some(Number.isNaN)) {
          throw nanError('box logits', image, config.strides[level], index, columns);
        }
        for (let label = 0; label < channels; label++) {
          const score = sigmoid(logits[first + label * area + index]);
          if (!(score > scoreThreshold)) continue;
          found.locations.push(start + index);
          found.scores.push(score);
          found.labels.push(label);
          found.boxes.push(
            clamp(boxes[row], width),
            clamp(boxes[row + 1], height),
            clamp(boxes[row + 2], width),
            clamp(boxes[row + 3], height),
          );
        }
      }
    }
    const kept = suppress(found, iou, maximum);
    return {
      boxes: Float32Array.from(kept.flatMap((index) => found.boxes.slice(4 * index, 4 * index + 4))),
      scores: Float32Array.from(kept, (index) => found.scores[index]),
      labels: Int32Array.from(kept, (index) => found.labels[index]),
      locations: Int32Array.from(kept, (index) => found.locations[index]),
    };
  });
}

/**
 * Locations of one image and level with a score above the threshold, in row-major order; where they are too many, those
 * of highest score, equal ones by index.
 * @param logits [channels, area]
 */
function bestLocations(logits: ArrayLike<number>, channels: number, threshold: number, most: number): number[] {
  const area = logits.length / channels;
  const best = new Float64Array(area).fill(Number.NEGATIVE_INFINITY);
  for (let element = 0; element < logits.length; element++) {
    const index = element % area;
    if (logits[element] > best[index]) best[index] = logits[element];
  }
  const above: number[] = [];
  for (let index = 0; index < area; index++) if (sigmoid(best[index]) > threshold) above.push(index);
  if (above.length <= most) return above;
  above.sort((a, b) => best[b] - best[a] || a - b);
  return above.slice(0, most).sort((a, b) => a - b);
}

function nanError(what: string, image: number, stride: number, index: number, columns: number): DeviceError {
  const place = `image ${image} of the batch, stride ${stride}, row ${Math.floor(index / columns)}, column ${index % columns}`;
  return new DeviceError(
    `${what} are NaN at ${place}: nothing can be detected. The net's weights have grown too large.`,
  );
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

function clamp(value: number, highest: number): number {
  return Math.min(Math.max(value, 0), highest);
}
