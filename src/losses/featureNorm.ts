import momentsSource from '../../shaders/losses/feature_moments.wgsl';
import gradientSource from '../../shaders/losses/feature_norm_gradient.wgsl';
import type { Pyramid } from '../tensor/pyramid.js';
import type { Tensor } from '../tensor/tensor.js';

const MOMENTS = { name: 'feature moments', source: momentsSource };
const GRADIENT = { name: 'feature norm gradient', source: gradientSource };

/** Added to the variance by batch norm; PyTorch's default. */
const BATCH_NORM_EPSILON = 1e-5;
/** Added to the deviation by PKD and CrossKD, as in their authors' code. */
export const PEARSON_EPSILON = 1e-6;

/** Both nets' features: as many images, channels and levels. */
export interface FeaturePair {
  student: Pyramid;
  teacher: Pyramid;
}

/** Means and deviations of the channels of both nets' features, by level. */
export interface ChannelMoments {
  /** [levels, channels, 4], see shaders/losses/feature_moments.wgsl. */
  norms: Tensor;
  /** [levels, channels]; of PKD alone. */
  pulls: Tensor;
}

/** What a pass binds as `norms`, which it does not read where NORM is 0. */
export interface NormBinding {
  constants: { NORM: 0 | 1 };
  norms: Tensor;
}

/** @param kind how a deviation is meant: by batch norm without parameters, or by PKD */
export function channelMoments({ student, teacher }: FeaturePair, kind: 'batch' | 'pearson'): ChannelMoments {
  const { device, batch, channels, levels, levelTable } = student;
  const norms = device.empty([levels.length, channels, 4]);
  const pulls = device.empty([levels.length, channels]);
  const isPearson = kind === 'pearson';
  device.run({
    kernel: MOMENTS,
    constants: { LANES: device.choice('reduction.workgroup'), PEARSON: isPearson ? 1 : 0 },
    bindings: {
      student: student.range,
      teacher: teacher.range,
      norms: norms.range,
      pulls: pulls.range,
    },
    params: {
      batch,
      channels,
      epsilon: isPearson ? PEARSON_EPSILON : BATCH_NORM_EPSILON,
      levels: levelTable,
    },
    workgroups: [channels, levels.length, 1],
  });
  return { norms, pulls };
}

/**
 * Runs a pass on both nets' features or, for `batch`, on these after batch norm without parameters, through which its gradient then goes.
 * @param pass gives the gradient with respect to what it reads: features, or `features_at` of shaders/losses/feature_pair.wgsl
 * @returns the gradient with respect to the student's features
 */
export function normalised(pair: FeaturePair, norm: 'none' | 'batch', pass: (norms: NormBinding) => Pyramid): Pyramid {
  const { device } = pair.student;
  if (norm === 'none') {
    const norms = device.empty([4]);
    const gradient = pass({ constants: { NORM: 0 }, norms });
    norms.dispose();
    return gradient;
  }
  const { norms, pulls } = channelMoments(pair, 'batch');
  pulls.dispose();
  const gradient = pass({ constants: { NORM: 1 }, norms });
  normGradient(pair.student, norms, gradient, 'batch');
  norms.dispose();
  return gradient;
}

/** Turns the gradient with respect to normalised features into that of the features, in place. @param norms of `channelMoments` */
export function normGradient(student: Pyramid, norms: Tensor, gradient: Pyramid, kind: 'batch' | 'align'): void {
  const { device, batch, channels, levels, levelTable } = student;
  device.run({
    kernel: GRADIENT,
    constants: { LANES: device.choice('reduction.workgroup'), ALIGNS: kind === 'align' ? 1 : 0 },
    bindings: { student: student.range, norms: norms.range, gradient: gradient.range },
    params: { batch, channels, epsilon: PEARSON_EPSILON, levels: levelTable },
    workgroups: [channels, levels.length, 1],
  });
}
