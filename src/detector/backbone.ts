import type { Variable } from '../autograd/variable.js';
import { relu } from '../ops/activation.js';
import { add } from '../ops/add.js';
import type { Pyramid } from '../tensor/pyramid.js';
import type { StoredType } from '../tensor/stored.js';
import { architectureOf, type DetectorConfig } from './config.js';
import type { Layer, Layers, Parameters, Part } from './layers.js';

/** A network's backbone. */
export interface Backbone {
  /** Channels of each map it gives. */
  channels: number[];
  /** images [B, 3, H, W] -> one map for each stride of the head that is at most 32, finest first. */
  apply: (images: Variable<Pyramid>, parameters: Parameters, part: Part) => Variable<Pyramid>[];
}

/**
 * A small residual network: a stem of two stride-2 convolutions and, for the strides 8, 16 and 32, one basic block each
 * (He et al., CVPR 2016) with group norm, so that a batch of one trains like any other. Stages beyond the head's largest
 * stride are left out.
 * @param precision what its maps are stored in
 */
export function declareBackbone(layers: Layers, config: DetectorConfig, precision: StoredType): Backbone {
  const { stem, stages } = architectureOf(config);
  const first = layers.block({
    name: 'backbone.stem1',
    inputs: 3,
    outputs: stem[0],
    kernel: 3,
    stride: 2,
    at: [2],
    stores: precision,
  });
  const second = layers.block({
    name: 'backbone.stem2',
    inputs: stem[0],
    outputs: stem[1],
    kernel: 3,
    stride: 2,
    at: [4],
  });
  let inputs: number = stem[1];
  const steps = [
    { stride: 2, outputs: stem[0], layer: first as Layer },
    { stride: 4, outputs: inputs, layer: second as Layer },
  ];
  for (const [index, outputs] of stages.entries()) {
    const stride = 8 * 2 ** index;
    if (stride > Math.max(...config.strides)) break;
    steps.push({ stride, outputs, layer: basicBlock(layers, `backbone.stage${index + 1}`, inputs, outputs, stride) });
    inputs = outputs;
  }
  const isWanted = ({ stride }: { stride: number }) => config.strides.includes(stride);
  return {
    channels: steps.filter(isWanted).map(({ outputs }) => outputs),
    apply: (images, parameters, part) => {
      let map = images;
      const maps: Variable<Pyramid>[] = [];
      for (const step of steps) {
        map = part([map], ([own]) => step.layer(own, parameters));
        if (isWanted(step)) maps.push(map);
      }
      return maps;
    },
  };
}

/** relu(norm(conv(relu(norm(conv(x, stride 2))))) + norm(conv 1×1(x, stride 2))) */
function basicBlock(layers: Layers, name: string, inputs: number, outputs: number, stride: number): Layer {
  const at = [stride];
  const first = layers.block({ name: `${name}.1`, inputs, outputs, kernel: 3, stride: 2, at });
  const convolve = layers.convolution({ name: `${name}.2.conv`, inputs: outputs, outputs, kernel: 3, at });
  const normalise = layers.norm(`${name}.2.norm`, outputs);
  const shorten = layers.convolution({ name: `${name}.shortcut.conv`, inputs, outputs, kernel: 1, stride: 2, at });
  const normaliseShort = layers.norm(`${name}.shortcut.norm`, outputs);
  return (input, parameters) => {
    const long = normalise(convolve(first(input, parameters), parameters), parameters);
    const short = normaliseShort(shorten(input, parameters), parameters);
    return relu(add(long, short));
  };
}
