import layerNormSource from '../../shaders/ops/layer_norm.wgsl';
import gradientSource from '../../shaders/ops/layer_norm_gradient.wgsl';
import sumsSource from '../../shaders/ops/layer_norm_sums.wgsl';
import { type SinkOf, Variable } from '../autograd/variable.js';
import { MAX_WORKGROUPS } from '../gpu/launch.js';
import type { Tensor } from '../tensor/tensor.js';
import { InputError } from '../util/error.js';
import { inSingle } from './inSingle.js';
import { sumChunkPairs } from './sumChunks.js';

const LAYER_NORM = { name: 'layer norm', source: layerNormSource };
const GRADIENT = { name: 'layer norm gradient', source: gradientSource };
const SUMS = { name: 'layer norm sums', source: sumsSource };

const ROWS_A_CHUNK = 64;

/**
 * Layer normalization (Ba, Kiros and Hinton, 2016): scale[i] · (x − mean) / √(variance + ε) + shift[i], mean and (biased) variance
 * over all elements of a row.
 * @param input `[…, D…]`: rows of as many elements as `scale` has
 * @param scale `[D…]`
 * @param shift of as many elements, or null for none
 * @throws InputError when the input is not whole rows, or the shift has another size
 */
export function layerNorm(input: Variable, scale: Variable, shift: Variable | null, epsilon: number): Variable {
  const { shape, size } = input.value;
  const length = scale.value.size;
  if (length === 0 || size % length !== 0 || size === 0) {
    throw new InputError(`scale: ${length} elements; the input of shape [${shape}] is not whole rows of these.`);
  }
  if (shift && shift.value.size !== length) {
    throw new InputError(`shift: ${shift.value.size} elements; the scale has ${length}.`);
  }
  return inSingle(shift ? [input, scale, shift] : [input, scale], (wide) =>
    normalised(wide[0], wide[1], shift && wide[2], epsilon),
  );
}

/** `layerNorm` of f32. */
function normalised(input: Variable, scale: Variable, shift: Variable | null, epsilon: number): Variable {
  const { device, shape, size } = input.value;
  const length = scale.value.size;
  const rows = size / length;
  const output = device.empty(shape);
  const statistics = device.empty([rows, 2]);
  const layers = Math.ceil(rows / MAX_WORKGROUPS);
  const workgroups: [number, number, number] = [Math.ceil(rows / layers), layers, 1];
  const constants = { LANES: device.choice('reduction.workgroup') };
  device.run({
    kernel: LAYER_NORM,
    constants,
    bindings: {
      input: input.value.range,
      scale: scale.value.range,
      shift: (shift ?? scale).value.range,
      output: output.range,
      statistics: statistics.range,
    },
    params: { rows, length, epsilon, has_shift: shift ? 1 : 0 },
    workgroups,
  });
  const parents = shift ? [input, scale, shift] : [input, scale];
  if (!parents.some(({ requiresGradient }) => requiresGradient)) statistics.dispose();
  return Variable.from(output, parents, (incoming, sinkOf) => {
    const gradient = input.requiresGradient ? device.empty(shape) : null;
    if (gradient) {
      device.run({
        kernel: GRADIENT,
        constants,
        bindings: {
          input: input.value.range,
          incoming: incoming.range,
          scale: scale.value.range,
          statistics: statistics.range,
          gradient: gradient.range,
        },
        params: { rows, length },
        workgroups,
      });
    }
    const affine = parents.slice(1).some(({ requiresGradient }) => requiresGradient)
      ? affineGradients(incoming, input.value, statistics, scale.value, sinkOf)
      : [null, null];
    statistics.dispose();
    if (shift) return [gradient, ...affine];
    const [ofScale, ofShift] = affine;
    ofShift?.dispose();
    return [gradient, ofScale];
  });
}

function affineGradients(
  incoming: Tensor,
  input: Tensor,
  statistics: Tensor,
  scale: Tensor,
  sinkOf: SinkOf,
): (Tensor | null)[] {
  const { device, shape, size: length } = scale;
  const rows = input.size / length;
  const chunks = Math.ceil(rows / ROWS_A_CHUNK);
  const [scaleSums, shiftSums] = [device.empty([chunks, length]), device.empty([chunks, length])];
  device.run({
    kernel: SUMS,
    bindings: {
      input: input.range,
      incoming: incoming.range,
      statistics: statistics.range,
      scale_sums: scaleSums.range,
      shift_sums: shiftSums.range,
    },
    params: { count: chunks * length, rows, length, rows_a_chunk: ROWS_A_CHUNK },
    invocations: chunks * length,
  });
  const gradients = sumChunkPairs([scaleSums, shiftSums], chunks, shape, [sinkOf(1), sinkOf(2)]);
  for (const sums of [scaleSums, shiftSums]) sums.dispose();
  return gradients;
}
