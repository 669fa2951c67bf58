import { assertMapVariable } from '../autograd/argument.js';
import type { Variable } from '../autograd/variable.js';
import { alone } from '../tensor/parts.js';
import { assertPyramid, type Pyramid } from '../tensor/pyramid.js';
import type { Tensor } from '../tensor/tensor.js';
import { anything, oneOf, optional, options as optionsOf } from '../util/argument.js';
import { bestScores as bestScoresOf, correlate, distilChannels } from './featurePasses.js';
import { assertLocations, assertPair, imitateByScore } from './imitation.js';
import { sum } from './reduce.js';
import { assertNumber, withGradient } from './rowLoss.js';

/** Weight of a loss of features. */
export interface FeatureOptions {
  /** Default 1. */
  lossWeight?: number;
}

/** Of a loss that may look at normalised features. */
export interface NormalisedFeatureOptions extends FeatureOptions {
  /** `batch`: both nets' features first go through batch norm without parameters (ε 1e-5), by level, with its gradient. Default `none`. */
  norm?: 'none' | 'batch';
}

/** Of channel-wise distillation. */
export interface ChannelWiseOptions extends NormalisedFeatureOptions {
  /** τ, which both nets' features are divided by; default 1. */
  temperature?: number;
}

const NORM = optional(oneOf('none', 'batch'));
const PLAIN = optionsOf({ lossWeight: anything });
const NORMALISED = optionsOf({ lossWeight: anything, norm: NORM });
const CHANNEL_WISE = optionsOf({ lossWeight: anything, norm: NORM, temperature: anything });

/**
 * Channel-wise distillation (CWD; Shu et al., ICCV 2021, eq. 4): a channel's map is a distribution over its locations, and the student's is
 * to be the teacher's: τ² / (B · C) · Σ over images and channels of KL(softmax(t / τ) ‖ softmax(s / τ)) for each level, summed over levels.
 * @param student features [B, C, H, W] a level
 * @param teacher features of the same levels and channels; nothing flows back into them
 * @returns a scalar
 * @throws InputError when the pyramids differ or an option is out of range
 */
export function channelWiseDistillation(
  student: Variable<Pyramid>,
  teacher: Pyramid,
  options: ChannelWiseOptions = {},
): Variable {
  CHANNEL_WISE('options', options);
  const { lossWeight = 1, temperature = 1, norm = 'none' } = options;
  assertNumber('temperature', temperature, 0);
  return featureLoss(student, teacher, lossWeight, (pair, losses) =>
    distilChannels(pair, { weight: lossWeight, temperature, norm, losses }),
  );
}

/**
 * PKD (Cao et al., NeurIPS 2022): half the mean squared difference of both nets' features, each channel standardised over the images and
 * locations of a level (unbiased deviation + 1e-6): 1 − Pearson's correlation, averaged over the channels. Summed over levels. The gradient
 * flows through the student's means and deviations. A channel of equal values counts as 0 everywhere.
 * @param student features [B, C, H, W] a level
 * @param teacher features of the same levels and channels; nothing flows back into them
 * @returns a scalar
 * @throws InputError when the pyramids differ or an option is out of range
 */
export function pearsonImitation(student: Variable<Pyramid>, teacher: Pyramid, options: FeatureOptions = {}): Variable {
  PLAIN('options', options);
  const { lossWeight = 1 } = options;
  return featureLoss(student, teacher, lossWeight, (pair, losses) => correlate(pair, { weight: lossWeight, losses }));
}

/**
 * Squared differences of features weighted by a score a of each location, as in Ultralytics' distillation of 2026:
 * Σ (s − t)² · a / (C · Σ a + 1e-9) for each level, summed over levels.
 * @param student features [B, C, H, W] a level
 * @param teacher features of the same levels and channels; nothing flows back into them
 * @param scores [N] f32, N the locations of all images, level by level; 0 or more: of `bestScores`
 * @returns a scalar
 * @throws InputError when the pyramids differ, the scores do not fit or an option is out of range
 */
export function scoreWeightedImitation(
  student: Variable<Pyramid>,
  teacher: Pyramid,
  scores: Tensor,
  options: NormalisedFeatureOptions = {},
): Variable {
  assertMapVariable('student', student);
  assertLocations('scores', scores, student.value);
  NORMALISED('options', options);
  const { lossWeight = 1, norm = 'none' } = options;
  return featureLoss(student, teacher, lossWeight, (pair, losses) =>
    alone(imitateByScore(pair, scores, { weight: lossWeight, norm, losses })),
  );
}

/**
 * The best class score of each location, max_c σ(logit), [N] f32, level by level; NaN where a logit is NaN or infinite.
 * @param logits [B, C, H, W] a level
 * @throws InputError when it is no pyramid
 */
export function bestScores(logits: Pyramid): Tensor {
  assertPyramid('logits', logits);
  const { batch, channels, locations, levelTable } = logits;
  return bestScoresOf(logits, { batch, classes: channels, locations, levelTable });
}

function featureLoss(
  student: Variable<Pyramid>,
  teacher: Pyramid,
  lossWeight: number,
  pass: (pair: { student: Pyramid; teacher: Pyramid }, losses: Tensor) => Pyramid,
): Variable {
  assertMapVariable('student', student);
  const { value } = student;
  assertPair(value, teacher);
  assertNumber('lossWeight', lossWeight);
  const losses = value.device.empty([value.batch * value.locations]);
  const gradient = pass({ student: value, teacher }, losses);
  const total = sum(losses);
  losses.dispose();
  return withGradient(total, student, gradient);
}
