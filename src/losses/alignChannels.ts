import source from '../../shaders/losses/align_channels.wgsl';
import { assertMapVariable } from '../autograd/argument.js';
import { emptyLike } from '../autograd/sum.js';
import { Variable } from '../autograd/variable.js';
import type { Pyramid } from '../tensor/pyramid.js';
import { channelMoments, normGradient, PEARSON_EPSILON } from './featureNorm.js';
import { assertPair } from './imitation.js';

const ALIGN = { name: 'align channels', source };

/**
 * Gives each channel of the student's features the teacher's mean and deviation over the images and locations of a level:
 * (s − mean_s) / (sd_s + 1e-6) · sd_t + mean_t, deviations unbiased (CrossKD, Wang et al., CVPR 2024). Gradients flow through the student's
 * means and deviations; the teacher's are constants.
 * @param student features [B, C, H, W] a level
 * @param teacher features of the same levels and channels
 * @throws InputError when the pyramids differ
 */
export function alignChannels(student: Variable<Pyramid>, teacher: Pyramid): Variable<Pyramid> {
  assertMapVariable('student', student);
  const { value } = student;
  assertPair(value, teacher);
  const { device, batch, channels, levels, levelTable } = value;
  const { norms, pulls } = channelMoments({ student: value, teacher }, 'pearson');
  pulls.dispose();
  const aligned = emptyLike(value);
  const locations = batch * value.locations;
  device.run({
    kernel: ALIGN,
    bindings: { student: value.range, norms: norms.range, aligned: aligned.range },
    params: { batch, level_count: levels.length, channels, locations, epsilon: PEARSON_EPSILON, levels: levelTable },
    invocations: locations,
  });
  if (!student.requiresGradient) norms.dispose();
  return Variable.from(aligned, [student], (incoming) => {
    const gradient = emptyLike(value);
    device.copy(incoming.range.buffer, incoming.offset, gradient.range.buffer, gradient.offset, 4 * gradient.size);
    normGradient(value, norms, gradient, 'align');
    norms.dispose();
    return [gradient];
  });
}
