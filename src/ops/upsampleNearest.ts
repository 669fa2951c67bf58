import source from '../../shaders/ops/upsample_nearest.wgsl';
import gradientSource from '../../shaders/ops/upsample_nearest_gradient.wgsl';
import { Variable } from '../autograd/variable.js';
import { type LevelSize, Pyramid } from '../tensor/pyramid.js';
import { InputError } from '../util/error.js';

const FORWARD = { name: 'upsample_nearest', source };
const BACKWARD = { name: 'upsample_nearest_gradient', source: gradientSource };

/**
 * Enlarges a map by nearest neighbour, [B, C, H, W] to [B, C, height, width]; the top-down path of a feature pyramid.
 * @throws InputError for more than one level, or a size smaller than the map's
 */
export function upsampleNearest(input: Variable<Pyramid>, { height, width }: LevelSize): Variable<Pyramid> {
  const { value } = input;
  const { device, batch, channels, levels } = value;
  const [level] = levels;
  if (levels.length !== 1 || height < level.height || width < level.width) {
    throw new InputError(
      `upsampleNearest: ${levels.length} levels, the first of ${level.height}×${level.width}, to ${height}×${width}; give one map and a size at least as large.`,
    );
  }
  const output = Pyramid.empty(device, batch, channels, [{ height, width }]);
  const sizes = { height: level.height, width: level.width, out_height: height, out_width: width };
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
      bindings: { incoming: incoming.range, gradient: gradient.range },
      params: { ...sizes, count: gradient.size },
      invocations: gradient.size,
    });
    return [gradient];
  });
}
