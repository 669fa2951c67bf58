import partsSource, { constants as parts } from '../../shaders/regions/given_parts.wgsl';
import samplesSource, { constants as whole } from '../../shaders/regions/given_samples.wgsl';
import targetsSource, { constants as targetsOf } from '../../shaders/regions/given_targets.wgsl';
import type { Device } from '../tensor/device.js';
import { openedDevice } from '../tensor/deviceArgument.js';
import { type DataType, Tensor } from '../tensor/tensor.js';
import { assertTensor } from '../tensor/tensorArgument.js';
import { integer, numbers, oneOf, optional, options as optionsOf } from '../util/argument.js';
import { InputError } from '../util/error.js';
import { assertGrid } from './argument.js';
import { type Assignment, COUNTS, SAMPLE_WORDS } from './assignment.js';
import type { Grid } from './grid.js';
import { countListed } from './listing.js';

/** By the choice `lists.workgroups`: a workgroup an image, or many. */
const SAMPLES = { name: 'regions/given_samples', source: samplesSource };
const PARTS = { name: 'regions/given_parts', source: partsSource };
const TARGETS = { name: 'regions/given_targets', source: targetsSource };

/** A sample has 16 bits for its class and as many for its target, less the values for no positive. */
const MAX_CLASSES = 65_535;
const MAX_TARGETS = 65_535;

/** What another framework's assigner found: an entry a location, in arrays or in tensors of the device. */
export interface GivenAssignment {
  /** Of the head, what `makeGrid` gives; A locations an image. */
  grid: Grid;
  /** Images, B. */
  batch: number;
  /** Number of classes, C. */
  classes: number;
  /** [B · A] class of a positive; −1 or C for background. A tensor is of i32. */
  labels: ArrayLike<number> | Tensor;
  /** [B · A, 4] x1, y1, x2, y2 in pixels: the boxes that positives learn; what stands elsewhere does not matter. */
  boxes: ArrayLike<number> | Tensor;
  /** [B · A] 0 where the label does not count (ignored, or beyond the image), else 1. Default: all count. */
  weights?: ArrayLike<number> | Tensor;
  /** [B · A] target scores of the positives, 0 to 1. Default 1. */
  scores?: ArrayLike<number> | Tensor;
  /** [B · A] weights in the valuable localization region, 0 outside. Default: no region. */
  vlr?: ArrayLike<number> | Tensor;
  /** `image` (default): image by image, in each level by level, [B, A]; `level`: level by level, in each image by image, as a pyramid. */
  order?: 'image' | 'level';
}

const GIVEN = optionsOf({
  batch: integer(1),
  classes: integer(1, MAX_CLASSES),
  order: optional(oneOf('image', 'level')),
});

type Values = ArrayLike<number> | Tensor;

/**
 * The assignment that the caller gives. Nothing is read back: of tensors, which kernels read, values are not checked. There a label that is no
 * class is background, and of an image with more than 65,535 / B positives the later ones are ignored.
 * @throws InputError for arrays and tensors of another length or type; in arrays for labels that are no classes, positives without a
 *   finite, ordered box, values out of range, and more positives than 65,535 / B an image
 */
export function assignmentOf(device: Device, given: GivenAssignment): Assignment {
  openedDevice('device', device);
  GIVEN('given', given);
  const { grid, batch, classes, order = 'image' } = given;
  assertGrid('grid', grid);
  const { locations } = grid;
  const size = batch * locations;
  const { labels, boxes, weights, scores, vlr } = given;
  assertGiven('labels', labels, { device, size, type: 'i32' });
  assertGiven('boxes', boxes, { device, size: 4 * size });
  for (const [name, values] of Object.entries({ weights, scores, vlr })) {
    if (values !== undefined) assertGiven(name, values, { device, size });
  }
  assertValues('weights', weights, (weight) => weight === 0 || weight === 1, '0 (ignored) or 1');
  assertValues('scores', scores, (score) => score >= 0 && score <= 1, 'a number from 0 to 1');
  assertValues('vlr', vlr, (weight) => weight >= 0 && weight < Number.POSITIVE_INFINITY, 'a finite weight, 0 or more');
  assertValues(
    'labels',
    labels,
    (label) => Number.isInteger(label) && label >= -1 && label <= classes,
    labelRange(classes),
  );
  const limit = Math.min(locations, Math.floor(MAX_TARGETS / batch));
  let imagePositives = limit;
  if (!(labels instanceof Tensor)) {
    const positives = positivesOf(labels, classes);
    if (!(boxes instanceof Tensor)) assertBoxes(boxes, positives);
    imagePositives = mostPositivesOfAnImage(positives, given);
    if (imagePositives > limit) {
      throw new InputError(
        `labels: ${imagePositives} positives in an image; at most ${limit} in a batch of ${batch} images. Make the batch smaller.`,
      );
    }
  }
  const maxPositives = Math.max(1, batch * imagePositives);
  const slots = vlr === undefined ? Math.max(1, imagePositives) : locations;
  const table = device.empty([size], 'u32');
  const samples = device.empty([batch, slots, SAMPLE_WORDS], 'u32');
  const counts = device.empty([batch, COUNTS.stride]);
  const targets = device.empty([maxPositives, 4]);
  const params = {
    batch,
    level_count: grid.levels.length,
    levels: grid.levelTable,
    locations,
    image_slots: slots,
    by_level: order === 'level' ? 1 : 0,
  };
  device.tidy(() => {
    const own = (values: Values, type: DataType = 'f32') =>
      values instanceof Tensor ? values : device.tensor(values, [values.length], type);
    const label = own(labels, 'i32');
    const rest = (values: Values | undefined) => (values === undefined ? label : own(values)).range;
    const bindings = {
      labels: label.range,
      weights: rest(weights),
      scores: rest(scores),
      vlr: rest(vlr),
      table: table.range,
      samples: samples.range,
    };
    const listParams = {
      ...params,
      classes,
      image_positives: imagePositives,
      has_weights: weights === undefined ? 0 : 1,
      has_scores: scores === undefined ? 0 : 1,
      has_vlr: vlr === undefined ? 0 : 1,
    };
    const byImage = device.choice('lists.workgroups') === 'image';
    if (byImage) {
      device.run({
        kernel: SAMPLES,
        constants: { SCORED: 1 },
        bindings: { ...bindings, counts: counts.range },
        params: listParams,
        workgroups: [batch, 1, 1],
      });
    } else {
      const count = Math.ceil(locations / parts.SIZE);
      const claims = device.empty([2 * batch * (1 + count)], 'u32');
      for (const STEP of [parts.COUNT, parts.PLACE]) {
        device.run({
          kernel: PARTS,
          constants: { STEP },
          bindings: { ...bindings, claims: claims.range },
          params: listParams,
          workgroups: [count, batch, 1],
        });
      }
      countListed(grid, {
        ...{ batch, slots, chains: whole.SIZE, samples, counts, claims },
        // Without locations and objects the images' own come first.
        imageStarts: device.zeros([batch + 1], 'u32'),
        locations: 0,
      });
    }
    device.run({
      kernel: TARGETS,
      bindings: { boxes: own(boxes).range4, counts: counts.range, samples: samples.range, targets: targets.range4 },
      params,
      workgroups: [batch, byImage ? 1 : Math.ceil(imagePositives / targetsOf.SIZE), 1],
    });
  });
  return {
    batch,
    classes,
    locations,
    samples,
    slots,
    counts,
    table,
    targets,
    maxPositives,
    maxSamples: vlr === undefined ? maxPositives : size,
    dispose: () => {
      for (const tensor of [samples, counts, table, targets]) tensor.dispose();
    },
  };
}

function assertGiven(
  name: string,
  values: Values,
  { device, size, type = 'f32' }: { device: Device; size: number; type?: DataType },
): void {
  if (values instanceof Tensor) assertTensor(name, values, { device, type });
  else numbers(name, values);
  const length = values instanceof Tensor ? values.size : values.length;
  if (length === size) return;
  throw new InputError(
    `${name}: ${length} values; the grid and batch have ${size}, the locations of all levels and images.`,
  );
}

function assertValues(
  name: string,
  values: Values | undefined,
  right: (value: number) => boolean,
  expected: string,
): void {
  if (values === undefined || values instanceof Tensor) return;
  for (let i = 0; i < values.length; i++) {
    if (!right(values[i])) throw new InputError(`${name}: entry ${i} is ${values[i]}; expected ${expected}.`);
  }
}

function labelRange(classes: number): string {
  return `a class from 0 to ${classes - 1}, or -1 or ${classes} for background`;
}

function positivesOf(labels: ArrayLike<number>, classes: number): number[] {
  const positives: number[] = [];
  for (let i = 0; i < labels.length; i++) if (labels[i] >= 0 && labels[i] < classes) positives.push(i);
  return positives;
}

function assertBoxes(boxes: ArrayLike<number>, positives: readonly number[]): void {
  for (const i of positives) {
    const box = [0, 1, 2, 3].map((edge) => boxes[4 * i + edge]);
    if (box.every(Number.isFinite) && box[2] >= box[0] && box[3] >= box[1]) continue;
    throw new InputError(
      `boxes: box ${i}, of a positive, is [${box}]; expected finite pixels x1, y1, x2, y2 with x1 ≤ x2 and y1 ≤ y2.`,
    );
  }
}

function mostPositivesOfAnImage(positives: readonly number[], { grid, batch, order }: GivenAssignment): number {
  const counts = new Uint32Array(batch);
  for (const i of positives) counts[order === 'level' ? imageOf(i, grid, batch) : Math.floor(i / grid.locations)]++;
  return Math.max(...counts);
}

/** The image of a location in the order of a pyramid. */
function imageOf(location: number, { areas }: Grid, batch: number): number {
  let rest = location;
  let level = 0;
  for (; rest >= batch * areas[level]; level++) rest -= batch * areas[level];
  return Math.floor(rest / areas[level]);
}
