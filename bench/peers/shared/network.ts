import { architectureOf, type DetectorConfig } from '../../../src/detector/config.js';

/** The operations of edgewise's detector in a peer; a map is whatever the peer computes with. */
export interface Operations<Map> {
  /** Convolution with the parameters `name`.weight and, where there is one, `name`.bias; padding (kernel − 1) / 2. */
  convolve(input: Map, name: string, stride?: 1 | 2): Map;
  /** Group norm of 8 channels a group with `name`.scale and `name`.shift. */
  normalise(input: Map, name: string): Map;
  relu(input: Map): Map;
  add(a: Map, b: Map): Map;
  /** Nearest neighbours, twice the size. */
  enlarge(input: Map): Map;
  /** Multiplied by one element of the parameter `name`. */
  scale(input: Map, name: string, element: number): Map;
}

/** Logits of each level. */
export interface LevelLogits<Map> {
  classLogits: Map[];
  boxLogits: Map[];
}

/** Channels a group of the norms; src/detector/layers.ts. */
export const GROUP = 8;

/** The network of src/detector/ (backbone, neck, head) for strides from 8 on, with a peer's operations. */
export function detect<Map>(images: Map, config: DetectorConfig, operations: Operations<Map>): LevelLogits<Map> {
  const { convolve, normalise, relu, add, enlarge, scale } = operations;
  const { stages, tower } = architectureOf(config);
  const block = (input: Map, name: string, stride: 1 | 2 = 1) =>
    relu(normalise(convolve(input, `${name}.conv`, stride), `${name}.norm`));
  const basicBlock = (input: Map, name: string) => {
    const long = normalise(convolve(block(input, `${name}.1`, 2), `${name}.2.conv`), `${name}.2.norm`);
    return relu(add(long, normalise(convolve(input, `${name}.shortcut.conv`, 2), `${name}.shortcut.norm`)));
  };

  let map = block(block(images, 'backbone.stem1', 2), 'backbone.stem2', 2);
  const maps = stages.slice(0, config.strides.length).map((_, stage) => {
    map = basicBlock(map, `backbone.stage${stage + 1}`);
    return map;
  });

  const merged = maps.map((each, level) => convolve(each, `neck.lateral${level + 1}`));
  for (let level = merged.length - 2; level >= 0; level--) {
    merged[level] = add(merged[level], enlarge(merged[level + 1]));
  }
  const features: Map[] = [];
  for (const level of config.strides.keys()) {
    const name = `neck.output${level + 1}`;
    features.push(level < merged.length ? convolve(merged[level], name) : convolve(features[level - 1], name, 2));
  }

  const runTower = (name: string, input: Map) =>
    Array.from({ length: tower }, (_, i) => `head.${name}${i + 1}`).reduce((each, layer) => block(each, layer), input);
  return {
    classLogits: features.map((each) => convolve(runTower('class', each), 'head.classLogits')),
    boxLogits: features.map((each, level) =>
      scale(convolve(runTower('box', each), 'head.boxLogits'), 'head.levelScales', level),
    ),
  };
}
