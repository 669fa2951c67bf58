import type { ParameterDeclaration } from '../autograd/parameters.js';
import type { Variable } from '../autograd/variable.js';
import { convolveMaps } from '../ops/conv2d.js';
import { groupNorm } from '../ops/groupNorm.js';
import { storedAs } from '../ops/storedAs.js';
import type { Pyramid } from '../tensor/pyramid.js';
import { Random } from '../tensor/random.js';
import type { StoredType } from '../tensor/stored.js';
import { sizeOf } from '../tensor/tensor.js';

/** Finds a parameter by its name: trainable, or as a constant in a frozen network. */
export type Parameters = (name: string) => Variable;

/** Runs a part of a network: as it is, or so that little is kept for the backward pass (`recomputed`). */
export type Part = <const Maps extends readonly Variable<Pyramid>[]>(
  maps: Maps,
  of: (maps: Maps) => Variable<Pyramid>,
) => Variable<Pyramid>;

/** A part as it is. */
export const asItIs: Part = (maps, of) => of(maps);

/** A layer or a chain of layers. */
export type Layer = (input: Variable<Pyramid>, parameters: Parameters) => Variable<Pyramid>;

/** A layer with an activation at its end, which can be left out. */
export type Block = (input: Variable<Pyramid>, parameters: Parameters, activates?: boolean) => Variable<Pyramid>;

/** A convolution. Padding is (kernel − 1) / 2. */
export interface Convolution {
  name: string;
  inputs: number;
  outputs: number;
  kernel: 1 | 3;
  /** Default 1. */
  stride?: 2;
  /** Strides of the maps it writes, in pixels of the image. */
  at: readonly number[];
  /** Initial value of a bias; without one, a norm follows that has its own. */
  bias?: number;
  /** What it stores images in before it reads them; they are in f32. */
  stores?: StoredType;
  /** Standard deviation of the initial weights. Default: √(2 / inputs·kernel²), He et al., 2015, for a ReLU that follows. */
  deviation?: number;
}

/** Channels that group norm takes together; GFocal's 256 channels in 32 groups. */
export const GROUP = 8;

interface Declared extends Omit<ParameterDeclaration, 'initial'> {
  initial: (random: Random) => number;
}

/** Collects the parameters and the convolutions of a network while it is put together. */
export class Layers {
  readonly #declared: Declared[] = [];
  readonly convolutions: Convolution[] = [];

  /** The parameters with their initial values. The same seed gives the same bits; without one they are zeros. */
  declarations(seed: number | null): ParameterDeclaration[] {
    return this.#declared.map((parameter, index) => {
      if (seed === null) return { ...parameter, initial: new Float32Array(sizeOf(parameter.shape)) };
      const random = Random.of(seed, index);
      const initial = Float32Array.from({ length: sizeOf(parameter.shape) }, () => parameter.initial(random));
      return { ...parameter, initial };
    });
  }

  /** Declares a vector of one value, without weight decay. */
  vector(name: string, length: number, value: number): void {
    this.#declared.push({ name, shape: [length], decay: false, initial: () => value });
  }

  convolution(convolution: Convolution): Layer {
    const { name, inputs, outputs, kernel, stride, bias, stores, deviation } = convolution;
    this.convolutions.push(convolution);
    const fan = inputs * kernel ** 2;
    const spread = deviation ?? Math.sqrt(2 / fan);
    this.#declared.push({
      name: `${name}.weight`,
      shape: [outputs, inputs, kernel, kernel],
      decay: true,
      initial: (random) => spread * random.normal(),
    });
    if (bias !== undefined) this.vector(`${name}.bias`, outputs, bias);
    return (input, parameters) => {
      const maps = stores ? storedAs(input, stores) : input;
      return convolveMaps(maps, parameters(`${name}.weight`), bias === undefined ? null : parameters(`${name}.bias`), {
        ...(stride && { stride }),
        isOwn: maps !== input,
      });
    };
  }

  /** Group norm (Wu and He, 2018) of a whole number of 8 channels, and ReLU where a call wants it. */
  norm(name: string, channels: number): Block {
    this.vector(`${name}.scale`, channels, 1);
    this.vector(`${name}.shift`, channels, 0);
    const groups = channels / GROUP;
    return (input, parameters, relu = false) =>
      groupNorm(input, parameters(`${name}.scale`), parameters(`${name}.shift`), { groups, relu });
  }

  /** Convolution, group norm, ReLU. */
  block(convolution: Convolution): Block {
    const { name, outputs } = convolution;
    const convolve = this.convolution({ ...convolution, name: `${name}.conv` });
    const normalise = this.norm(`${name}.norm`, outputs);
    return (input, parameters, activates = true) => normalise(convolve(input, parameters), parameters, activates);
  }
}
