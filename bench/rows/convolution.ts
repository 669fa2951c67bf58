import { Variable } from '../../src/autograd/variable.js';
import { conv2d } from '../../src/ops/conv2d.js';
import type { LevelSize } from '../../src/tensor/pyramid.js';
import { copyOf } from '../copy.js';
import { noise, noiseMaps } from '../noise.js';
import type { Row } from '../row.js';

export interface ConvolutionSize {
  batch: number;
  inputs: number;
  outputs: number;
  kernel: 1 | 3;
  stride: 1 | 2;
  levels: readonly LevelSize[];
}

/** A convolution without bias: forward, the gradient of its input, the gradient of its weight; a row each. */
export function convolutionRows(name: string, size: ConvolutionSize): Row[] {
  const { batch, inputs, outputs, kernel, stride, levels } = size;
  const sizes = levels.map(({ height, width }) => ({
    height: Math.ceil(height / stride),
    width: Math.ceil(width / stride),
  }));
  const maps = levels.map(({ height, width }) => `${height}×${width}`).join(' + ');
  const shape = `convolution ${kernel}×${kernel}, stride ${stride}, ${inputs} to ${outputs} channels, ${batch} × (${maps})`;
  const row = (part: string, wanted: 'input' | 'weight' | null): Row => ({
    name: `${name}-${part}`,
    what: `${part.replace('-', ' ')} of a ${shape}`,
    prepare: (device) => {
      const input = new Variable(noiseMaps(device, { batch, channels: inputs, levels }), wanted === 'input');
      const weight = new Variable(noise(device, [outputs, inputs, kernel, kernel]), wanted === 'weight');
      const forward = () => conv2d(input, weight, null, { stride });
      const output = forward();
      const incoming = noiseMaps(device, { batch, channels: outputs, levels: sizes });
      const bytes = 4 * (input.value.size + weight.value.size + output.value.size);
      return {
        record: wanted ? () => output.pullback?.(incoming) : forward,
        bytes,
        copy: copyOf(device, bytes),
        flop: 2 * output.value.size * inputs * kernel ** 2,
      };
    },
  });
  return [row('forward', null), row('input-gradient', 'input'), row('weight-gradient', 'weight')];
}
