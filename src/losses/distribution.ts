import integralSource from '../../shaders/losses/integral.wgsl';
import softmaxSource from '../../shaders/losses/softmax.wgsl';
import softmaxGradientSource from '../../shaders/losses/softmax_gradient.wgsl';
import { assertVariable } from '../autograd/argument.js';
import { Variable } from '../autograd/variable.js';
import { columnsOf, withGradient } from './rowLoss.js';

const SOFTMAX = { name: 'softmax over bins', source: softmaxSource };
const SOFTMAX_GRADIENT = { name: 'softmax over bins, gradient', source: softmaxGradientSource };
const INTEGRAL = { name: 'integral', source: integralSource };

/**
 * The distribution over bins of each row, p = softmax(logits).
 * @param logits [R, K]
 * @returns [R, K]
 * @throws InputError when the logits are not f32 rows
 */
export function softmaxOverBins(logits: Variable): Variable {
  assertVariable('logits', logits);
  const bins = columnsOf('logits', logits.value, 1);
  const { device, shape } = logits.value;
  const probabilities = device.empty(shape);
  const launch = { constants: { BINS: bins }, params: { rows: shape[0] }, invocations: shape[0] };
  device.run({
    ...launch,
    kernel: SOFTMAX,
    bindings: { logits: logits.value.range, probabilities: probabilities.range },
  });
  return Variable.from(probabilities, [logits], (incoming) => {
    const gradient = device.empty(shape);
    device.run({
      ...launch,
      kernel: SOFTMAX_GRADIENT,
      bindings: { probabilities: probabilities.range, incoming: incoming.range, gradient: gradient.range },
    });
    return [gradient];
  });
}

/**
 * The expected bin of each row, d = Σ_k k p_k with p = softmax(logits): an edge's distance in bin units, between 0 and
 * K − 1 (the "integral" of Generalized Focal Loss, NeurIPS 2020).
 * @param logits [R, K]
 * @returns [R]
 * @throws InputError when the logits are not f32 rows
 */
export function integral(logits: Variable): Variable {
  assertVariable('logits', logits);
  const bins = columnsOf('logits', logits.value, 1);
  const { device, shape } = logits.value;
  const expected = device.empty([shape[0]]);
  const gradient = device.empty(shape);
  device.run({
    kernel: INTEGRAL,
    constants: { BINS: bins },
    bindings: { logits: logits.value.range, expected: expected.range, gradient: gradient.range },
    params: { rows: shape[0] },
    invocations: shape[0],
  });
  return withGradient(expected, logits, gradient);
}
