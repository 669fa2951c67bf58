import { constants } from '../../shaders/lib/bins.wgsl';
import rowsSource from '../../shaders/losses/localization_losses.wgsl';
import mapsSource from '../../shaders/losses/localization_losses_maps.wgsl';
import sumSource from '../../shaders/losses/localization_sum.wgsl';
import { assertVariable } from '../autograd/argument.js';
import { one } from '../autograd/one.js';
import { emptyLike } from '../autograd/sum.js';
import type { Variable } from '../autograd/variable.js';
import type { Launch } from '../gpu/launch.js';
import { Pyramid } from '../tensor/pyramid.js';
import type { Tensor } from '../tensor/tensor.js';
import { assertTensor } from '../tensor/tensorArgument.js';
import { anything, fields } from '../util/argument.js';
import { InputError } from '../util/error.js';
import { MARGIN } from './dfl.js';
import { assertSameRows, TEMPERATURE } from './ld.js';
import { anyOptions, assertNumber, assertShaped, columnsOf, divisorOf, withGradient } from './rowLoss.js';

const ROWS = { name: 'localization losses of rows', source: rowsSource };
const MAPS = { name: 'localization losses of maps', source: mapsSource };
const SUM = { name: 'localization losses, sums', source: sumSource };

const { MAX_BINS } = constants;

/** exp(z) by powers of exp(z / T) has its rounding T times over. */
const MAX_WHOLE_TEMPERATURE = 16;

const WORKGROUP = 64;

/** What the student should say. */
export interface LocalizationTargets {
  /** The teacher's logits, laid out as the student's. */
  teacher: Tensor;
  /** True distances in bin units, clamped to [0, K − 1.1]: [R], or of maps a pyramid of 4 channels. */
  distances: Tensor;
}

/** Weights, temperature and normaliser. */
export interface LocalizationOptions {
  /** [R], or of maps a pyramid of one channel: the four edges of a location weigh the same. Default 1. */
  weights?: Tensor;
  /** What both sums are divided by, a number or one element on the GPU; default 1. With 0 (an empty set) they are 0. */
  averageFactor?: number | Tensor;
  /** Default 1. */
  dflWeight?: number;
  /** Default 1. */
  ldWeight?: number;
  /** Softens both distributions of LD; greater than 0, default 10. A whole number up to 16 costs less than others. */
  temperature?: number;
}

/** What `localizationLosses` gives. */
export interface LocalizationLosses {
  /** dfl + ld, a scalar; the gradient of the student's logits flows from here. */
  total: Variable;
  /** dflWeight · Σ_i weights_i DFL_i / averageFactor, a scalar. */
  dfl: Tensor;
  /** ldWeight · Σ_i weights_i LD_i / averageFactor, a scalar. */
  ld: Tensor;
  /** The expected edges in bin units, for boxes and metrics: [R], or of maps a pyramid of 4 channels. */
  expected: Tensor;
}

const TARGETS = fields({ teacher: anything, distances: anything });

/**
 * `temperatureKL`, `distributionFocalLoss` and `integral` of dense rows of bins in one pass: each logit is read once and one gradient
 * written, in the forward pass. Backward multiplies it by the incoming scalar, and does nothing where that is backward's own 1.
 * @param student [R, K], a row is one edge; or a pyramid of 4 K channels, edge by edge, as a head writes it. K of 2 to 64
 * @throws InputError when shapes do not fit, or a weight or the temperature is not a number in range
 */
export function localizationLosses(
  student: Variable,
  targets: LocalizationTargets,
  options: LocalizationOptions = {},
): LocalizationLosses {
  assertVariable('student', student);
  TARGETS('targets', targets);
  anyOptions('options', options);
  const { weights, averageFactor = 1, dflWeight = 1, ldWeight = 1, temperature = TEMPERATURE } = options;
  const { device } = student.value;
  assertNumber('dflWeight', dflWeight);
  assertNumber('ldWeight', ldWeight);
  assertNumber('temperature', temperature, 0);
  const divisor = divisorOf(device, averageFactor);
  const { kernel, bins, rows, params, ...size } =
    student.value instanceof Pyramid
      ? launchOfMaps(student.value, targets, weights)
      : launchOfRows(student.value, targets, weights);

  const expected = emptyLike(targets.distances);
  const gradient = emptyLike(student.value);
  const losses = device.empty([rows, 2]);
  device.run({
    kernel,
    constants: { BINS: bins, WHOLE_TEMPERATURE: isWhole(temperature) ? temperature : 0 },
    bindings: {
      student: student.value.range,
      teacher: targets.teacher.range,
      distances: targets.distances.range,
      weights: (weights ?? one(device)).range,
      average_factor: divisor.tensor.range,
      expected: expected.range,
      gradient: gradient.range,
      losses: losses.range4,
    },
    params: {
      ...params,
      weight_stride: weights ? 1 : 0,
      temperature,
      greatest: bins - 1 - MARGIN,
      dfl_scale: dflWeight / divisor.number,
      ld_scale: ldWeight / divisor.number,
    },
    ...size,
  });

  const [dfl, ld, total] = [device.empty([]), device.empty([]), device.empty([])];
  device.run({
    kernel: SUM,
    bindings: { losses: losses.range4, dfl: dfl.range, ld: ld.range, total: total.range },
    params: { rows },
    workgroups: [1, 1, 1],
  });
  losses.dispose();
  return { total: withGradient(total, student, gradient), dfl, ld, expected };
}

type LayoutLaunch = Pick<Launch, 'kernel' | 'params' | 'invocations' | 'workgroups'> & { bins: number; rows: number };

function launchOfRows(student: Tensor, { teacher, distances }: LocalizationTargets, weights?: Tensor): LayoutLaunch {
  const bins = columnsOf('student', student, 2);
  assertBins(bins);
  assertSameRows(student, teacher);
  const rows = student.shape[0];
  assertShaped('targets.distances', distances, [rows], 'one a row', student.device);
  if (weights !== undefined) assertShaped('weights', weights, [rows], 'one a row', student.device);
  return { kernel: ROWS, bins, rows, params: { rows }, invocations: rows };
}

function launchOfMaps(student: Pyramid, { teacher, distances }: LocalizationTargets, weights?: Tensor): LayoutLaunch {
  const bins = student.channels / 4;
  if (!Number.isInteger(bins)) {
    throw new InputError(`student: a pyramid of ${student.channels} channels; expected 4 K, K bins for each edge.`);
  }
  assertBins(bins);
  assertMapsLike('teacher', teacher, student, student.channels, 'as the student');
  assertMapsLike('distances', distances, student, 4, 'one an edge');
  if (weights !== undefined) assertMapsLike('weights', weights, student, 1, 'one a location');
  let workgroups = 0;
  const levels = student.levels.flatMap(({ start, height, width }) => {
    const first = workgroups;
    workgroups += Math.ceil((height * width) / WORKGROUP);
    return [start, height * width, first, 0];
  });
  const { batch } = student;
  return {
    kernel: MAPS,
    bins,
    rows: 4 * batch * student.locations,
    params: { batch, level_count: student.levels.length, levels },
    workgroups: [workgroups, 4 * batch, 1],
  };
}

function isWhole(temperature: number): boolean {
  return Number.isInteger(temperature) && temperature <= MAX_WHOLE_TEMPERATURE;
}

function assertBins(bins: number): void {
  if (bins < 2 || bins > MAX_BINS) {
    throw new InputError(`student: ${bins} bins an edge; expected 2 to ${MAX_BINS}.`);
  }
}

/** @throws InputError when it is no pyramid of `channels` channels like the student's */
function assertMapsLike(name: string, tensor: Tensor, student: Pyramid, channels: number, meaning: string): void {
  assertTensor(name, tensor, { device: student.device, type: 'f32' });
  const sizes = (maps: Pyramid) => maps.levels.map(({ height, width }) => `${height}×${width}`).join(', ');
  if (!(tensor instanceof Pyramid)) {
    throw new InputError(`${name}: a tensor of shape [${tensor.shape}]; the student is a pyramid: give one too.`);
  }
  if (tensor.batch !== student.batch || tensor.channels !== channels || sizes(tensor) !== sizes(student)) {
    throw new InputError(
      `${name}: ${tensor.batch} images of ${tensor.channels} channels over levels ${sizes(tensor)}; expected ${student.batch} of ${channels} (${meaning}) over ${sizes(student)}.`,
    );
  }
}
