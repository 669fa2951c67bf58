import source from '../../shaders/ops/max_pool.wgsl';
import gradientSource from '../../shaders/ops/max_pool_gradient.wgsl';
import { Variable } from '../autograd/variable.js';
import { Pyramid } from '../tensor/pyramid.js';
import { InputError } from '../util/error.js';

const FORWARD = { name: 'max_pool', source };
const BACKWARD = { name: 'max_pool_gradient', source: gradientSource };

/**
 * Maximum over 3×3 windows, stride 2, padding 1, [B, C, H, W] to [B, C, ⌈H/2⌉, ⌈W/2⌉]. Of equal maxima the first has the gradient.
 * @throws InputError for more than one level
 */
export function maxPool(input: Variable<Pyramid>): Variable<Pyramid> {
  const { value } = input;
  const { device, batch, channels, levels } = value;
  if (levels.length !== 1) throw new InputError(`maxPool: a pyramid of ${levels.length} levels; give one map.`);
  const [{ height, width }] = levels;
  const output = Pyramid.empty(device, batch, channels, [
    { height: Math.ceil(height / 2), width: Math.ceil(width / 2) },
  ]);
  const sizes = { height, width, out_height: output.levels[0].height, out_width: output.levels[0].width };
  device.run({
    kernel: FORWARD,
    bindings: { input: value.range, output: output.range },
    params: { ...sizes, count: output.size },
    invocations: output.size,
  });
  return Variable.from(output, [input], (incoming) => {
    const gradient = Pyramid.empty(device, batch, channels, levels);
    device.run({
      kernel: BACKWARD,
      bindings: { input: value.range, incoming: incoming.range, gradient: gradient.range },
      params: { ...sizes, count: gradient.size },
      invocations: gradient.size,
    });
    return [gradient];
  });
}
