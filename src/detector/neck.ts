import type { Variable } from '../autograd/variable.js';
import { add } from '../ops/add.js';
import { stackLevels } from '../ops/stackLevels.js';
import { upsampleNearest } from '../ops/upsampleNearest.js';
import type { Pyramid } from '../tensor/pyramid.js';
import { architectureOf, type DetectorConfig } from './config.js';
import type { Layers, Parameters, Part } from './layers.js';

/**
 * Feature pyramid network (Lin et al., CVPR 2017): 1×1 laterals, a top-down path of nearest upsampling, 3×3 outputs. Levels
 * beyond stride 32 are 3×3 stride-2 convolutions of the level before (GFocal's `on_output`).
 * @param channels those of the backbone's maps
 * @returns maps of the backbone, finest first -> features of all levels
 */
export function declareNeck(
  layers: Layers,
  config: DetectorConfig,
  channels: readonly number[],
): (maps: readonly Variable<Pyramid>[], parameters: Parameters, part: Part) => Variable<Pyramid> {
  const { features } = architectureOf(config);
  // No ReLU follows these convolutions: deviation 1/√fan keeps the variance.
  const lateral = channels.map((inputs, level) =>
    layers.convolution({
      name: `neck.lateral${level + 1}`,
      inputs,
      outputs: features,
      kernel: 1,
      at: [config.strides[level]],
      bias: 0,
      deviation: Math.sqrt(1 / inputs),
    }),
  );
  const output = config.strides.map((stride, level) =>
    layers.convolution({
      name: `neck.output${level + 1}`,
      inputs: features,
      outputs: features,
      kernel: 3,
      ...(level < channels.length ? {} : { stride: 2 }),
      at: [stride],
      bias: 0,
      deviation: Math.sqrt(1 / (9 * features)),
    }),
  );
  return (given, parameters, part) =>
    part(given, (maps) => {
      const merged = maps.map((map, level) => lateral[level](map, parameters));
      for (let level = merged.length - 2; level >= 0; level--) {
        const [size] = merged[level].value.levels;
        merged[level] = add(merged[level], upsampleNearest(merged[level + 1], size));
      }
      const outputs: Variable<Pyramid>[] = [];
      for (const [level, convolve] of output.entries()) {
        outputs.push(convolve(merged[level] ?? outputs[level - 1], parameters));
      }
      return stackLevels(outputs);
    });
}
