import source from '../../shaders/ops/upsample_nearest.wgsl';
import gradientSource from '../../shaders/ops/upsample_nearest_gradient.wgsl';
import { emptyLike, emptyMaps } from '../autograd/sum.js';
import { Variable } from '../autograd/variable.js';
import type { LevelSize, Pyramid } from '../tensor/pyramid.js';
import { storedKernel } from '../tensor/stored.js';
import { InputError } from '../util/error.js';

const FORWARD = storedKernel({ name: 'upsample_nearest', source });
const BACKWARD = storedKernel({ name: 'upsample_nearest_gradient', source: gradientSource });

/**
 * Enlarges a map by nearest neighbour, [B, C, H, W] to [B, C, height, width]; the top-down path of a feature pyramid.
 * @throws InputError for more than one level, or a size smaller than the map's
 */
export function upsampleNearest(input: Variable<Pyramid>, { height, width }: LevelSize): Variable<Pyramid> {
  const { value } = input;
  const { device, channels, levels } = value;
  const [level] = levels;
  if (levels.length !== 1 || height < level.height || width < level.width) {
    throw new InputError(
      `upsampleNearest: ${levels.length} levels, the first of ${level.height}×${level.width}, to ${height}×${width}; give one map and a size at least as large.`,
    );
  }
  const output = emptyMaps(value, channels, [{ height, width }]);
  const sizes = { height: level.height, width: level.width, out_height: height, out_width: width };
  device.run({
    kernel: FORWARD(value),
    bindings: { input: value.range, output: output.range },
    params: { ...sizes, count: output.size },
    invocations: output.size,
  });
  return Variable.from(output, [input], (incoming) => {
    const gradient = emptyLike(value);
    device.run({
      kernel: BACKWARD(incoming),
      bindings: { incoming: incoming.range, gradient: gradient.range },
      params: { ...sizes, count: gradient.size },
      invocations: gradient.size,
    });
    return [gradient];
  });
}
