import { Variable } from '../../src/autograd/variable.js';
import { conv2d, convolutionShape } from '../../src/ops/conv2d.js';
import { ConvolutionInput } from '../../src/ops/convolve.js';
import { weightGradient } from '../../src/ops/weightGradient.js';
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
      const maps = noiseMaps(device, { batch, channels: inputs, levels });
      const weights = noise(device, [outputs, inputs, kernel, kernel]);
      const incoming = noiseMaps(device, { batch, channels: outputs, levels: sizes });
      const forward = () => conv2d(new Variable(maps, wanted === 'input'), new Variable(weights), null, { stride });
      const { pullback } = forward();
      const bytes = 4 * (maps.size + weights.size + incoming.size);
      const records = {
        '': forward,
        input: () => pullback?.(incoming, () => null),
        // With the copy of the input that in a training step the forward pass leaves.
        weight: () => {
          const { shape } = convolutionShape(maps, { outputs, kernel, stride });
          weightGradient(incoming, new ConvolutionInput(maps, shape), weights, shape);
        },
      };
      return {
        record: records[wanted ?? ''],
        bytes,
        copy: copyOf(device, bytes),
        flop: 2 * incoming.size * inputs * kernel ** 2,
      };
    },
  });
  return [row('forward', null), row('input-gradient', 'input'), row('weight-gradient', 'weight')];
}
