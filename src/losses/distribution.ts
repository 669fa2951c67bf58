import integralSource from '../../shaders/losses/integral.wgsl';
import softmaxSource from '../../shaders/losses/softmax.wgsl';
import softmaxGradientSource from '../../shaders/losses/softmax_gradient.wgsl';
import { assertVariable } from '../autograd/argument.js';
import { Variable } from '../autograd/variable.js';
import type { Projection } from '../regions/binValues.js';
import { anything, options as optionsOf } from '../util/argument.js';
import { projectionTable } from './projection.js';
import { columnsOf, withGradient } from './rowLoss.js';

const SOFTMAX = { name: 'softmax over bins', source: softmaxSource };
const SOFTMAX_GRADIENT = { name: 'softmax over bins, gradient', source: softmaxGradientSource };
const INTEGRAL = { name: 'integral', source: integralSource };
const PROJECTION = optionsOf({ projection: anything });

/**
 * The distribution over bins of each row, p = softmax(logits), [R, K].
 * @param logits [R, K]
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

/** What the bins stand for. */
export interface ProjectionOptions {
  /** [K] increasing values of the bins, such as `fineGrainedProjection` makes; 0 … K − 1 unless given. */
  projection?: Projection;
}

/**
 * The expected value of each row, d = Σ_k v_k p_k with p = softmax(logits) and v the projection: without one v_k = k, an edge's
 * distance in bin units (the "integral" of Generalized Focal Loss, NeurIPS 2020).
 * @param logits [R, K]
 * @returns [R]
 * @throws InputError when the logits are not f32 rows, or the projection has not K increasing values
 */
export function integral(logits: Variable, options: ProjectionOptions = {}): Variable {
  assertVariable('logits', logits);
  PROJECTION('options', options);
  const bins = columnsOf('logits', logits.value, 1);
  const { device, shape } = logits.value;
  const table = projectionTable(device, options.projection, bins);
  const expected = device.empty([shape[0]]);
  const gradient = device.empty(shape);
  device.run({
    kernel: INTEGRAL,
    constants: { BINS: bins, ...table.constants },
    bindings: {
      logits: logits.value.range,
      projection: table.tensor.range,
      expected: expected.range,
      gradient: gradient.range,
    },
    params: { rows: shape[0] },
    invocations: shape[0],
  });
  table.dispose();
  return withGradient(expected, logits, gradient);
}
