import type { Level } from '../tensor/pyramid.js';
import { DeviceError } from '../util/error.js';
import { suppress } from './nms.js';

/** The reference implementation's test settings. */
const DEFAULTS = { scoreThreshold: 0.05, candidates: 1000, iou: 0.6, maximum: 100 };

/** How detections are chosen; the defaults are the reference implementation's. */
export interface ChooseOptions {
  /** Scores must exceed it; default 0.05. */
  scoreThreshold?: number;
  /** Locations of each level, by their best score, that go on to suppression; default 1000. */
  candidates?: number;
  /** Non-maximum suppression removes boxes that overlap more; default 0.6. */
  iou?: number;
  /** Most detections of an image; default 100. */
  maximum?: number;
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

/** What a net says of a batch, on the host. */
export interface HostOutputs {
  /** Class logits, level by level, each [batch, channels, h, w]. */
  logits: Float32Array;
  /** Where they are. */
  maps: { channels: number; levels: readonly Level[] };
  /** Pixels a cell of each level. */
  strides: readonly number[];
  /** xyxy in pixels of the network's input, of a location of a level of an image. */
  boxAt(level: Level, image: number, index: number): ArrayLike<number>;
}

/**
 * Detections of an image: every (location, class) whose score exceeds the threshold, of the best locations of each level,
 * through class-wise non-maximum suppression.
 * @param image position in the batch
 * @param size pixels that the image fills of the network's input
 * @throws DeviceError when class logits, or the box of a detection, are NaN
 */
export function chooseDetections(
  { logits, maps, strides, boxAt }: HostOutputs,
  image: number,
  { width, height }: { width: number; height: number },
  options: ChooseOptions,
): Detections {
  const { scoreThreshold, candidates, iou, maximum } = { ...DEFAULTS, ...options };
  const { channels, levels } = maps;
  const found: { locations: number[]; scores: number[]; labels: number[]; boxes: number[] } = {
    locations: [],
    scores: [],
    labels: [],
    boxes: [],
  };
  for (const [number, level] of levels.entries()) {
    const area = level.height * level.width;
    const first = level.offset + image * channels * area;
    const own = logits.subarray(first, first + channels * area);
    const fault = own.findIndex(Number.isNaN);
    if (fault !== -1) throw nanError('class logits', image, strides[number], fault % area, level.width);
    for (const index of bestLocations(own, channels, scoreThreshold, candidates)) {
      const box = Array.from(boxAt(level, image, index));
      if (box.some(Number.isNaN)) throw nanError('box logits', image, strides[number], index, level.width);
      for (let label = 0; label < channels; label++) {
        const score = sigmoid(own[label * area + index]);
        if (!(score > scoreThreshold)) continue;
        found.locations.push(level.start + index);
        found.scores.push(score);
        found.labels.push(label);
        found.boxes.push(clamp(box[0], width), clamp(box[1], height), clamp(box[2], width), clamp(box[3], height));
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
