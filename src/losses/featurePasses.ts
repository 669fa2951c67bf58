import scoresSource from '../../shaders/losses/best_scores.wgsl';
import channelsSource from '../../shaders/losses/feature_channels.wgsl';
import pearsonSource from '../../shaders/losses/feature_pearson.wgsl';
import softmaxSource from '../../shaders/losses/feature_softmax.wgsl';
import { emptyLike } from '../autograd/sum.js';
import { layoutTable, type Maps, tensorOf } from '../tensor/layout.js';
import type { Pyramid } from '../tensor/pyramid.js';
import type { Tensor } from '../tensor/tensor.js';
import { channelMoments, type FeaturePair, normalised } from './featureNorm.js';

const SCORES = { name: 'best scores', source: scoresSource };
const CHANNELS = { name: 'feature channels', source: channelsSource };
const PEARSON = { name: 'feature Pearson', source: pearsonSource };
const SOFTMAX = { name: 'feature softmax', source: softmaxSource };

interface FeaturePass {
  weight: number;
  /** [N]: where the weighted loss of each location goes. */
  losses: Tensor;
}

/** Channel-wise distillation of arguments that fit; gives the student's gradient. @param pass `images` of the step, default the batch */
export function distilChannels(
  pair: FeaturePair,
  pass: FeaturePass & { temperature: number; norm: 'none' | 'batch'; images?: number },
): Pyramid {
  const { student, teacher } = pair;
  const { device, batch, channels, levels, levelTable } = student;
  const { weight, temperature, norm, losses, images = batch } = pass;
  const normalisers = device.empty([levels.length, batch, channels, 2]);
  const shared = { batch, channels, sharpness: 1 / temperature, levels: levelTable };
  const share = (weight * temperature) / (images * channels);
  const gradient = normalised(pair, norm, ({ constants, norms }) => {
    const own = emptyLike(student);
    const inputs = {
      student: student.range,
      teacher: teacher.range,
      norms: norms.range,
      normalisers: normalisers.range,
    };
    device.run({
      kernel: SOFTMAX,
      constants: { ...constants, LANES: device.choice('reduction.workgroup') },
      bindings: inputs,
      params: shared,
      workgroups: [channels, batch, levels.length],
    });
    device.run({
      kernel: CHANNELS,
      constants,
      bindings: { ...inputs, losses: losses.range, gradient: own.range },
      params: {
        ...shared,
        level_count: levels.length,
        locations: losses.size,
        scale: share * temperature,
        slope: share,
      },
      invocations: losses.size,
    });
    return own;
  });
  normalisers.dispose();
  return gradient;
}

/** PKD, likewise. */
export function correlate(pair: FeaturePair, { weight, losses }: FeaturePass): Pyramid {
  const { student, teacher } = pair;
  const { device, batch, channels, levels, levelTable } = student;
  const { norms, pulls } = channelMoments(pair, 'pearson');
  const gradient = emptyLike(student);
  device.run({
    kernel: PEARSON,
    bindings: {
      student: student.range,
      teacher: teacher.range,
      norms: norms.range,
      pulls: pulls.range,
      losses: losses.range,
      gradient: gradient.range,
    },
    params: { batch, level_count: levels.length, channels, locations: losses.size, weight, levels: levelTable },
    invocations: losses.size,
  });
  norms.dispose();
  pulls.dispose();
  return gradient;
}

/** [N], the best class score of each location. */
export function bestScores(
  logits: Maps,
  {
    batch,
    classes,
    locations,
    levelTable,
  }: { batch: number; classes: number; locations: number; levelTable: readonly number[] },
): Tensor {
  const { device, range } = tensorOf(logits);
  const scores = device.empty([batch * locations]);
  device.run({
    kernel: SCORES,
    bindings: { logits: range, scores: scores.range },
    params: {
      batch,
      level_count: levelTable.length / 4,
      classes,
      locations: scores.size,
      levels: levelTable,
      logits_layout: layoutTable(logits),
    },
    invocations: scores.size,
  });
  return scores;
}
