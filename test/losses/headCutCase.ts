import { Variable } from '../../src/autograd/variable.js';
import { conv2d } from '../../src/ops/conv2d.js';
import { scaleLevels } from '../../src/ops/scaleLevels.js';
import type { Device } from '../../src/tensor/device.js';
import type { Pyramid } from '../../src/tensor/pyramid.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { gridLevels } from '../reference/grid.js';
import { noise } from '../reference/noise.js';
import type { HeadSizes } from '../reference/types.js';
import { upload } from './headCase.js';

/** A box branch's last layer on the host: features [B, C, H·W] one array a level. */
export interface HostLayer {
  features: Float32Array[];
  weight: Float32Array;
  bias: Float32Array;
  levelScales: Float32Array;
}

export const PARTS = ['features', 'weight', 'bias', 'levelScales'] as const;

/** Logits of deviation `scale`, and of another one on each level. */
export function randomLayer(sizes: HeadSizes, channels: number, seed: number, scale: number): HostLayer {
  const { batch, bins } = sizes;
  return {
    features: gridLevels(sizes).map(({ anchors }, l) =>
      Float32Array.from(noise(seed + 17 * l, batch * channels * anchors.length, 1)),
    ),
    weight: Float32Array.from(noise(seed + 5, 4 * bins * channels, scale / Math.sqrt(channels))),
    bias: Float32Array.from(noise(seed + 6, 4 * bins, 0.5)),
    levelScales: Float32Array.from(gridLevels(sizes), (_, l) => 0.6 + 0.3 * l),
  };
}

/** The layer on the device. */
export interface DeviceLayer {
  features: Pyramid;
  weight: Tensor;
  bias: Tensor;
  levelScales: Tensor;
}

export function uploadLayer(device: Device, sizes: HeadSizes, layer: HostLayer): DeviceLayer {
  const outputs = 4 * sizes.bins;
  return {
    features: upload(device, sizes, layer.features),
    weight: device.tensor(layer.weight, [outputs, layer.weight.length / outputs, 1, 1]),
    bias: device.tensor(layer.bias),
    levelScales: device.tensor(layer.levelScales),
  };
}

/** The box logits of every location as the detector's head makes them, and the leaves that gradients go to. */
export function denseLogits({ features, weight, bias, levelScales }: DeviceLayer) {
  const leaves = {
    features: new Variable(features, true),
    weight: new Variable(weight, true),
    bias: new Variable(bias, true),
    levelScales: new Variable(levelScales, true),
  };
  const logits = scaleLevels(conv2d(leaves.features, leaves.weight, leaves.bias), leaves.levelScales);
  logits.retained = true;
  return { logits, leaves };
}

/** The same in float64: [B, 4·bins, H·W] a level. */
export function logitsOracle({ batch, bins }: HeadSizes, layer: HostLayer): Float64Array[] {
  const outputs = 4 * bins;
  const channels = layer.weight.length / outputs;
  return layer.features.map((features, l) => {
    const area = features.length / (batch * channels);
    const logits = new Float64Array(batch * outputs * area);
    for (let image = 0; image < batch; image++) {
      for (let o = 0; o < outputs; o++) {
        for (let i = 0; i < area; i++) {
          let sum = layer.bias[o];
          for (let c = 0; c < channels; c++) {
            sum += layer.weight[o * channels + c] * features[(image * channels + c) * area + i];
          }
          logits[(image * outputs + o) * area + i] = layer.levelScales[l] * sum;
        }
      }
    }
    return logits;
  });
}

/** Gradients with respect to the layer's parts in float64, from those with respect to the logits. */
export function layerGradientsOracle(
  { batch, bins }: HeadSizes,
  layer: HostLayer,
  incoming: readonly ArrayLike<number>[],
): Record<(typeof PARTS)[number], number[]> {
  const outputs = 4 * bins;
  const channels = layer.weight.length / outputs;
  const weight = new Float64Array(outputs * channels);
  const bias = new Float64Array(outputs);
  const levelScales = new Float64Array(layer.features.length);
  const features = layer.features.map((values, l) => {
    const gradient = new Float64Array(values.length);
    const area = values.length / (batch * channels);
    const scale = layer.levelScales[l];
    for (let image = 0; image < batch; image++) {
      for (let o = 0; o < outputs; o++) {
        for (let i = 0; i < area; i++) {
          const g = incoming[l][(image * outputs + o) * area + i];
          if (g === 0) continue;
          bias[o] += scale * g;
          levelScales[l] += g * layer.bias[o];
          for (let c = 0; c < channels; c++) {
            const [w, f] = [o * channels + c, (image * channels + c) * area + i];
            weight[w] += scale * g * values[f];
            gradient[f] += scale * g * layer.weight[w];
            levelScales[l] += g * layer.weight[w] * values[f];
          }
        }
      }
    }
    return gradient;
  });
  return {
    features: features.flatMap((level) => Array.from(level)),
    weight: Array.from(weight),
    bias: Array.from(bias),
    levelScales: Array.from(levelScales),
  };
}
