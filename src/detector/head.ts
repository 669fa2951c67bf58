import type { Variable } from '../autograd/variable.js';
import { scaleLevels } from '../ops/scaleLevels.js';
import type { Pyramid } from '../tensor/pyramid.js';
import { architectureOf, type DetectorConfig } from './config.js';
import type { Convolution, Layers, Parameters } from './layers.js';

/** Logits of a pyramid of features. */
export interface HeadLogits {
  /** [B, classes, H, W] a level */
  classLogits: Variable<Pyramid>;
  /** [B, 4 · bins, H, W] a level; channel = edge · bins + bin, edges left, top, right, bottom */
  boxLogits: Variable<Pyramid>;
}

/**
 * The head of Generalized Focal Loss (Li et al., NeurIPS 2020): two towers shared by all levels, and a learnable factor for
 * each level's box logits. The two output convolutions are 1×1, as in NanoDet and YOLOv8: at these widths 3×3 ones into
 * 4 · 17 channels would cost more than all the rest of the detector.
 * @param prior score that every class starts from at every location
 */
export function declareHead(
  layers: Layers,
  config: DetectorConfig,
  prior: number,
): (features: Variable<Pyramid>, parameters: Parameters) => HeadLogits {
  const { features, tower } = architectureOf(config);
  const { classes, bins, strides } = config;
  const declareTower = (name: string) =>
    Array.from({ length: tower }, (_, index) =>
      layers.block({ name: `head.${name}${index + 1}`, inputs: features, outputs: features, kernel: 3, at: strides }),
    );
  const output = { inputs: features, kernel: 1, at: strides, deviation: 0.01 } satisfies Partial<Convolution>;
  const classTower = declareTower('class');
  const boxTower = declareTower('box');
  const classOutput = layers.convolution({
    ...output,
    name: 'head.classLogits',
    outputs: classes,
    bias: -Math.log((1 - prior) / prior),
  });
  const boxOutput = layers.convolution({ ...output, name: 'head.boxLogits', outputs: 4 * bins, bias: 0 });
  layers.vector('head.levelScales', strides.length, 1);

  return (input, parameters) => {
    const classFeatures = classTower.reduce((map, layer) => layer(map, parameters), input);
    const boxFeatures = boxTower.reduce((map, layer) => layer(map, parameters), input);
    return {
      classLogits: classOutput(classFeatures, parameters),
      boxLogits: scaleLevels(boxOutput(boxFeatures, parameters), parameters('head.levelScales')),
    };
  };
}
