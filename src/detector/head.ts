import type { Variable } from '../autograd/variable.js';
import { relu } from '../ops/activation.js';
import { scaleLevels } from '../ops/scaleLevels.js';
import { storedAs } from '../ops/storedAs.js';
import type { Pyramid } from '../tensor/pyramid.js';
import { architectureOf, type DetectorConfig } from './config.js';
import type { Block, Convolution, Layer, Layers, Parameters, Part } from './layers.js';

/** Logits of a pyramid of features. */
export interface HeadLogits {
  /** [B, classes, H, W] a level */
  classLogits: Variable<Pyramid>;
  /** [B, 4 · bins, H, W] a level; channel = edge · bins + bin, edges left, top, right, bottom */
  boxLogits: Variable<Pyramid>;
}

/** What a convolution of each of a head's two towers gives after its norm, before the activation: [B, F, H, W] a level. */
export interface TowerFeatures {
  /** Of the tower that finds classes. */
  classTower: Variable<Pyramid>;
  /** Of the tower that finds boxes. */
  boxTower: Variable<Pyramid>;
}

/** A head, to apply with some parameters. */
export interface Head {
  /** @param tapped the towers' convolution, from 1, whose features are given too; 0: none */
  apply(
    features: Variable<Pyramid>,
    parameters: Parameters,
    part: Part,
    tapped: number,
  ): HeadLogits & Partial<TowerFeatures>;
  /** The logits of features that the towers' convolution `from` could have given. */
  finish(towers: TowerFeatures, parameters: Parameters, part: Part, from: number): HeadLogits;
}

/**
 * The head of Generalized Focal Loss (Li et al., NeurIPS 2020): two towers shared by all levels, and a learnable factor for
 * each level's box logits. The two output convolutions are 1×1, as in NanoDet and YOLOv8: at these widths 3×3 ones into
 * 4 · 17 channels would cost more than all the rest of the detector.
 * @param prior score that every class starts from at every location
 */
export function declareHead(layers: Layers, config: DetectorConfig, prior: number): Head {
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

  // Logits, and so the losses, are f32 whatever the maps are stored in.
  const towers: readonly Tower[] = [
    { blocks: classTower, output: (map, parameters) => classOutput(storedAs(map, 'f32'), parameters) },
    {
      blocks: boxTower,
      output: (map, parameters) =>
        scaleLevels(boxOutput(storedAs(map, 'f32'), parameters), parameters('head.levelScales')),
    },
  ];
  return {
    apply: (features, parameters, part, tapped) => {
      const [forClasses, forBoxes] = towers.map((tower) => {
        const { blocks, output } = tower;
        if (tapped === 0)
          return { logits: part([features], ([map]) => output(climb(blocks, map, parameters), parameters)) };
        const tap = part([features], ([map]) =>
          blocks[tapped - 1](climb(blocks.slice(0, tapped - 1), map, parameters), parameters, false),
        );
        return { tap, logits: finish(tower, tap, parameters, part, tapped) };
      });
      return {
        ...{ classLogits: forClasses.logits, boxLogits: forBoxes.logits },
        ...(forClasses.tap && forBoxes.tap && { classTower: forClasses.tap, boxTower: forBoxes.tap }),
      };
    },
    finish: ({ classTower, boxTower }, parameters, part, from) => {
      const [classLogits, boxLogits] = [classTower, boxTower].map((tap, index) =>
        finish(towers[index], tap, parameters, part, from),
      );
      return { classLogits, boxLogits };
    },
  };
}

/** Convolutions, and what makes logits of their result. */
interface Tower {
  blocks: readonly Block[];
  output: Layer;
}

function climb(blocks: readonly Block[], map: Variable<Pyramid>, parameters: Parameters): Variable<Pyramid> {
  return blocks.reduce((below, block) => block(below, parameters), map);
}

/** Logits of what the convolution `from` gave. */
function finish(
  { blocks, output }: Tower,
  tap: Variable<Pyramid>,
  parameters: Parameters,
  part: Part,
  from: number,
): Variable<Pyramid> {
  return part([tap], ([map]) => output(climb(blocks.slice(from), relu(map), parameters), parameters));
}
