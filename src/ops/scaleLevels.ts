import source from '../../shaders/ops/scale_levels.wgsl';
import gradientSource from '../../shaders/ops/scale_levels_gradient.wgsl';
import piecesSource from '../../shaders/ops/sum_pieces.wgsl';
import { emptyLike } from '../autograd/sum.js';
import { Variable } from '../autograd/variable.js';
import type { Pyramid } from '../tensor/pyramid.js';
import type { Tensor } from '../tensor/tensor.js';
import { InputError } from '../util/error.js';

const SCALE = { name: 'scale_levels', source };
const GRADIENT = { name: 'scale_levels_gradient', source: gradientSource };
const PIECES = { name: 'sum_pieces', source: piecesSource };

/** Pieces of a level's sum: enough to keep an adapter busy. */
const CHUNKS = 64;

/**
 * Multiplies each level by its own learnable factor (GFocal's and FCOS's scales of the box branch).
 * @param scales [levels]
 * @throws InputError when there is not one scale a level
 */
export function scaleLevels(input: Variable<Pyramid>, scales: Variable): Variable<Pyramid> {
  const { value } = input;
  const { levels } = value;
  if (scales.value.size !== levels.length) {
    throw new InputError(`scaleLevels: ${scales.value.size} scales for ${levels.length} levels; give one a level.`);
  }
  return Variable.from(scaled(value, value, scales.value), [input, scales], (incoming) => [
    input.requiresGradient ? scaled(value, incoming, scales.value) : null,
    scales.requiresGradient ? scaleGradient(value, incoming) : null,
  ]);
}

/** `values`, laid out as `model`, times the scales. */
function scaled(model: Pyramid, values: Tensor, scales: Tensor): Pyramid {
  const output = emptyLike(model);
  const count = Math.ceil(model.size / 4);
  model.device.run({
    kernel: SCALE,
    bindings: { input: values.range4, scales: scales.range, output: output.range4 },
    params: {
      count,
      level_count: model.levels.length,
      planes: model.batch * model.channels,
      levels: model.levelTable,
    },
    invocations: count,
  });
  return output;
}

function scaleGradient(input: Pyramid, incoming: Tensor): Tensor {
  const { device, levels } = input;
  const pieces = device.empty([levels.length, CHUNKS]);
  device.run({
    kernel: GRADIENT,
    constants: { SIZE: device.choice('reduction.workgroup') },
    bindings: { input: input.range, incoming: incoming.range, pieces: pieces.range },
    params: { chunks: CHUNKS, planes: input.batch * input.channels, levels: input.levelTable },
    workgroups: [CHUNKS, levels.length, 1],
  });
  const gradient = device.empty([levels.length]);
  device.run({
    kernel: PIECES,
    bindings: { pieces: pieces.range, sums: gradient.range },
    params: { rows: levels.length, pieces: CHUNKS },
    invocations: levels.length,
  });
  pieces.dispose();
  return gradient;
}
