import source from '../../shaders/losses/imitation.wgsl';
import factorsSource from '../../shaders/losses/imitation_factors.wgsl';
import scoreFactorsSource from '../../shaders/losses/score_factors.wgsl';
import { assertMapVariable } from '../autograd/argument.js';
import { one } from '../autograd/one.js';
import { emptyLike } from '../autograd/sum.js';
import type { Variable } from '../autograd/variable.js';
import type { Launch } from '../gpu/launch.js';
import type { Device } from '../tensor/device.js';
import { alone, type Parts } from '../tensor/parts.js';
import { assertPyramid, type Pyramid } from '../tensor/pyramid.js';
import type { Tensor } from '../tensor/tensor.js';
import { assertTensor } from '../tensor/tensorArgument.js';
import { anything, options as optionsOf } from '../util/argument.js';
import { InputError } from '../util/error.js';
import { type FeaturePair, normalised } from './featureNorm.js';
import { shareFactors } from './headShares.js';
import { sum } from './reduce.js';
import { assertNumber, assertShaped, withGradient } from './rowLoss.js';

const IMITATION = { name: 'imitation', source };
const FACTORS = { name: 'imitation factors', source: factorsSource };
const SCORE_FACTORS = { name: 'score factors', source: scoreFactorsSource };

/** Weight and gates of the loss. */
export interface ImitationOptions {
  /** Default 1. */
  lossWeight?: number;
  /** A scalar a level: 0 where a level should imitate nothing, as LD has it without positives; anything else where it should. */
  gates?: Tensor;
}

const OPTIONS = optionsOf({ lossWeight: anything, gates: anything });

/**
 * Feature imitation: the mean of (student − teacher)² over the selected locations of a level and all channels, summed over levels. A level
 * without a selected location gives 0.
 * @param student features
 * @param teacher features of the same levels and channels
 * @param mask [N], N the locations of all images, as a pyramid of one channel; greater than 0 selects
 * @returns a scalar
 * @throws InputError when the pyramids differ or the mask does not fit
 */
export function imitationLoss(
  student: Variable<Pyramid>,
  teacher: Pyramid,
  mask: Tensor,
  options: ImitationOptions = {},
): Variable {
  assertMapVariable('student', student);
  OPTIONS('options', options);
  const { lossWeight = 1, gates } = options;
  const { value } = student;
  const { device, batch, levels } = value;
  assertPair(value, teacher);
  const locations = batch * value.locations;
  assertLocations('mask', mask, value);
  if (gates !== undefined) assertShaped('gates', gates, [levels.length], 'one a level', device);
  assertNumber('lossWeight', lossWeight);

  const losses = device.empty([locations]);
  const gradient = alone(
    imitateFeatures(value, teacher, mask, {
      weight: lossWeight,
      gates: gates && { tensor: gates, first: 0, images: 1, imageStride: 0 },
      losses,
    }),
  );
  const total = sum(losses);
  losses.dispose();
  return withGradient(total, student, gradient);
}

interface ImitationPass {
  weight: number;
  /** Default none. */
  norm?: 'none' | 'batch';
  /** Of the locations outside the region, relative to `weight`; default 0. */
  background?: number;
  /** Those of level l are elements first + l + imageStride · image: it imitates nothing where all are 0. None: every level does. */
  gates: { tensor: Tensor; first: number; images: number; imageStride: number } | undefined;
  /** [N]: where the weighted loss of each location goes. */
  losses: Tensor;
  /** Processes that share the step; default 1. */
  shares?: number;
}

/** Squared errors of arguments that fit. @returns the gradient with respect to the student's features */
export function* imitateFeatures(
  student: Pyramid,
  teacher: Pyramid,
  mask: Tensor,
  pass: ImitationPass,
): Parts<Pyramid> {
  const { device, batch, channels, levels, levelTable } = student;
  const { weight, background = 0, gates, shares = 1 } = pass;
  const factors = device.empty([levels.length, 2]);
  const launch: Launch = {
    kernel: FACTORS,
    constants: readsAhead(device),
    bindings: { mask: mask.range, gates: (gates?.tensor ?? one(device)).range, factors: factors.range },
    params: {
      batch,
      channels,
      gate_first: gates?.first ?? 0,
      gate_images: gates?.images ?? 0,
      gate_stride: gates?.imageStride ?? 0,
      weight,
      background,
      levels: levelTable,
    },
    workgroups: [levels.length, 1, 1],
  };
  yield* shareFactors(launch, factors, shares);
  return squaredErrors({ student, teacher }, { ...pass, mask, factors, SCORED: 0 });
}

/** `imitateFeatures` weighted by scores [N] and divided by channels times their sum. */
export function* imitateByScore(
  pair: FeaturePair,
  scores: Tensor,
  pass: Pick<ImitationPass, 'weight' | 'norm' | 'losses' | 'shares'>,
): Parts<Pyramid> {
  const { device, batch, channels, levels, levelTable } = pair.student;
  const factors = device.empty([levels.length, 2]);
  const launch: Launch = {
    kernel: SCORE_FACTORS,
    constants: readsAhead(device),
    bindings: { scores: scores.range, factors: factors.range },
    params: { batch, channels, weight: pass.weight, levels: levelTable },
    workgroups: [levels.length, 1, 1],
  };
  yield* shareFactors(launch, factors, pass.shares ?? 1);
  return squaredErrors(pair, { ...pass, mask: scores, factors, SCORED: 1 });
}

/** For kernels in which one workgroup adds up a level. */
function readsAhead(device: Device) {
  return { AHEAD: device.choice('terms.workgroups') === 'sources' ? 1 : 0 };
}

/** Disposes `factors`. */
function squaredErrors(
  pair: FeaturePair,
  pass: Pick<ImitationPass, 'norm' | 'losses'> & { mask: Tensor; factors: Tensor; SCORED: 0 | 1 },
): Pyramid {
  const { student, teacher } = pair;
  const { device, batch, channels, levels, levelTable } = student;
  const { norm = 'none', losses, mask, factors, SCORED } = pass;
  const gradient = normalised(pair, norm, ({ constants, norms }) => {
    const own = emptyLike(student);
    device.run({
      kernel: IMITATION,
      constants: { ...constants, SCORED },
      bindings: {
        student: student.range,
        teacher: teacher.range,
        mask: mask.range,
        factors: factors.range,
        norms: norms.range,
        losses: losses.range,
        gradient: own.range,
      },
      params: { batch, level_count: levels.length, channels, locations: losses.size, levels: levelTable },
      invocations: losses.size,
    });
    return own;
  });
  factors.dispose();
  return gradient;
}

/** @throws InputError when features of a teacher differ from the student's in images, channels or levels */
export function assertPair(student: Pyramid, teacher: unknown): asserts teacher is Pyramid {
  assertPyramid('teacher', teacher, student.device);
  if (describe(student) === describe(teacher)) return;
  throw new InputError(
    `teacher: features of ${describe(teacher)}; the student's are of ${describe(student)}. Compare features of the same channels and sizes: project the student's by a 1×1 convolution, and resize one net's maps.`,
  );
}

/** @throws InputError when it is no f32 tensor with an element for each location of all images */
export function assertLocations(name: string, tensor: Tensor, { device, batch, locations }: Pyramid): void {
  assertTensor(name, tensor, { device, type: 'any' });
  if (tensor.type === 'f32' && tensor.size === batch * locations) return;
  throw new InputError(
    `${name}: a ${tensor.type} tensor of ${tensor.size} elements; expected f32, one for each of ${batch * locations} locations.`,
  );
}

function describe({ batch, channels, levels }: Pyramid): string {
  const sizes = levels.map(({ height, width }) => `${height}×${width}`).join(', ');
  return `${batch} images × ${channels} channels over levels ${sizes}`;
}
