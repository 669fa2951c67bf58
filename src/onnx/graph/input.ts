import source from '../../../shaders/onnx/student_input.wgsl';
import { Variable } from '../../autograd/variable.js';
import type { Pyramid } from '../../tensor/pyramid.js';
import type { OnnxMapping } from '../mapping.js';
import { inputChange } from '../net.js';

const INPUT = { name: 'student input', source };

/**
 * Images as a model takes them: its order of channels, white, mean and deviation in place of the loader's.
 * @param images [B, 3, H, W], red, green, blue, ImageNet's mean and deviation taken out
 * @returns [B, 3, H, W]; a view of `images` where the model takes what the loader gives
 */
export function modelInput(images: Pyramid, input: OnnxMapping['input']): Variable {
  const { device, batch } = images;
  const [{ height, width }] = images.levels;
  const shape = [batch, 3, height, width];
  const changes = [0, 1, 2].map((channel) => inputChange(input, channel));
  const isSame = changes.every(({ from, factor, shift }, channel) => from === channel && factor === 1 && shift === 0);
  if (isSame) return new Variable(images.view(shape));
  const output = device.empty(shape);
  device.run({
    kernel: INPUT,
    bindings: { images: images.range, output: output.range },
    params: {
      count: output.size,
      area: height * width,
      channels: changes.flatMap(({ from, factor, shift }) => [factor, shift, from, 0]),
    },
    invocations: output.size,
  });
  return new Variable(output);
}
