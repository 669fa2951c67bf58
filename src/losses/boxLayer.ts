import type { Device } from '../tensor/device.js';
import { assertMaps, type Maps } from '../tensor/layout.js';
import type { Tensor } from '../tensor/tensor.js';
import { assertTensor } from '../tensor/tensorArgument.js';
import { InputError } from '../util/error.js';

/**
 * The last layer of a box branch in place of its logits, z = s_level · (W f + b) at every location: the logits then are
 * computed only where a loss needs them and never written for the rest of the map.
 */
export interface BoxLayer {
  /** f, C channels. */
  features: Maps;
  /** W, [4·bins, C] or [4·bins, C, 1, 1]; channels edge-major. */
  weight: Tensor;
  /** b, [4·bins]. */
  bias: Tensor;
  /** s, [levels]; 1 unless given. */
  levelScales?: Tensor;
}

/** A box branch as a loss takes it: the logits of all locations, or the layer that makes them. */
export type BoxInput = Maps | BoxLayer;

/** Gradients with respect to the parts of a `BoxLayer`. */
export interface BoxLayerGradients {
  /** Laid out as the features; zero outside the listed locations. */
  features: Tensor;
  /** Of the weight's shape. */
  weight: Tensor;
  /** [4·bins]. */
  bias: Tensor;
  /** Null where no scales were given. */
  levelScales: Tensor | null;
}

/** The gradient with respect to a box branch: of the logits, or of the parts of the layer that makes them. */
export type BoxGradient<Box> = Box extends BoxLayer ? BoxLayerGradients : Tensor;

export function isBoxLayer(box: BoxInput): box is BoxLayer {
  // Also of what a program in plain JavaScript gives.
  return typeof box === 'object' && box !== null && 'weight' in box;
}

/** Channels of the features of a layer; 0 where logits are given. */
export function inputsOf(box: BoxInput): number {
  return isBoxLayer(box) ? box.weight.shape[1] : 0;
}

/** The maps that a kernel reads: features of a layer, or logits. */
export function mapsOf(box: BoxInput): Maps {
  return isBoxLayer(box) ? box.features : box;
}

/**
 * Checks a box branch, logits or layer.
 * @throws InputError that names the part, what it has and what was expected
 */
export function assertBoxBranch(
  name: string,
  box: BoxInput,
  { device, batch, bins, areas }: { device: Device; batch: number; bins: number; areas: readonly number[] },
): void {
  const meaning = `4 edges × ${bins} bins; LD compares bin with bin, so both nets need the same bins`;
  const channels = 4 * bins;
  if (!isBoxLayer(box)) {
    assertMaps(name, box, { device, batch, channels, areas, meaning });
    return;
  }
  const { features, weight, bias, levelScales } = box;
  assertTensor(`${name}.weight`, weight, { device });
  assertTensor(`${name}.bias`, bias, { device });
  if (levelScales !== undefined) assertTensor(`${name}.levelScales`, levelScales, { device });
  const [outputs, inputs, ...kernel] = weight.shape;
  if (outputs !== channels || !(inputs > 0) || kernel.some((extent) => extent !== 1)) {
    throw new InputError(
      `${name}.weight: shape [${weight.shape}]; expected [${channels}, C] or [${channels}, C, 1, 1] (${meaning}).`,
    );
  }
  if (bias.size !== channels) {
    throw new InputError(`${name}.bias: ${bias.size} elements; expected ${channels}, one a row of the weight.`);
  }
  if (levelScales && levelScales.size !== areas.length) {
    throw new InputError(
      `${name}.levelScales: ${levelScales.size} elements; expected one for each of ${areas.length} levels.`,
    );
  }
  assertMaps(`${name}.features`, features, {
    device,
    batch,
    channels: inputs,
    areas,
    meaning: 'those that the weight takes',
  });
}
