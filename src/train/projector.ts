import { type ParameterDeclaration, ParameterStore } from '../autograd/parameters.js';
import type { Variable } from '../autograd/variable.js';
import type { Recipe } from '../losses/recipe.js';
import { relu } from '../ops/activation.js';
import { conv2d } from '../ops/conv2d.js';
import { conv2dLevels } from '../ops/conv2dLevels.js';
import type { Device } from '../tensor/device.js';
import type { Pyramid } from '../tensor/pyramid.js';
import { Random } from '../tensor/random.js';
import { Optimizer } from './optimizer.js';
import type { TrainSettings } from './settings.js';

/** What a projector brings together. */
export interface ProjectorSizes {
  device: Device;
  /** Channels of the student's features. */
  own: number;
  /** Channels of the teacher's. */
  teacher: number;
  /** Number of levels of the student's. */
  levels: number;
}

type Kind = Recipe['imitation']['projector'];

/** Brings the student's features to the teacher's width. It learns with the student and is no part of it; only checkpoints hold it. */
export class Projector {
  /** Of its own parameters. */
  readonly optimizer: Optimizer;
  readonly #kind: Kind;
  readonly #levels: number;

  constructor(sizes: ProjectorSizes, kind: Kind, settings: TrainSettings) {
    this.#kind = kind;
    this.#levels = sizes.levels;
    const parameters = new ParameterStore(sizes.device, declarations(sizes, kind, settings.seed));
    this.optimizer = new Optimizer(parameters, { ...settings, ema: 0 });
  }

  /** The student's features with the teacher's channels. */
  apply(features: Variable<Pyramid>): Variable<Pyramid> {
    const { parameters } = this.optimizer;
    const of = (name: string) =>
      Array.from({ length: this.#levels }, (_, level) => parameters.get(`level${level}.${name}`));
    if (this.#kind === 'auto') return conv2d(features, parameters.get('weight'), null);
    if (this.#kind === 'linear') return conv2dLevels(features, of('weight'), null);
    const hidden = relu(conv2dLevels(features, of('conv1.weight'), of('conv1.bias')));
    return conv2dLevels(hidden, of('conv2.weight'), of('conv2.bias'));
  }

  /** Gives its memory back. */
  dispose(): void {
    this.optimizer.parameters.dispose();
    this.optimizer.dispose();
  }
}

/**
 * The projector that a recipe asks for: `auto` is one 1×1 convolution for all levels where the widths differ, the regressor of FitNets (Romero
 * et al., ICLR 2015); `linear` one for each level, as in RTMDet's distillation; `two-layer` two for each level, with biases and a ReLU between
 * them, as in Ultralytics'.
 */
export function makeProjector({ imitation }: Recipe, sizes: ProjectorSizes, settings: TrainSettings): Projector | null {
  const { weight, projector } = imitation;
  if (weight === 0 || (projector === 'auto' && sizes.own === sizes.teacher)) return null;
  return new Projector(sizes, projector, settings);
}

function declarations({ own, teacher, levels }: ProjectorSizes, kind: Kind, seed: number): ParameterDeclaration[] {
  if (kind === 'auto') return [convolution('weight', own, teacher, 1, Random.of(seed, own, teacher))];
  return Array.from({ length: levels }, (_, level) => {
    const random = Random.of(seed, own, teacher, level);
    if (kind === 'linear') return [convolution(`level${level}.weight`, own, teacher, 1, random)];
    const bias = (name: string) => {
      return { name: `level${level}.${name}.bias`, shape: [teacher], decay: false, initial: new Float32Array(teacher) };
    };
    return [
      convolution(`level${level}.conv1.weight`, own, teacher, 2, random),
      bias('conv1'),
      convolution(`level${level}.conv2.weight`, teacher, teacher, 1, random),
      bias('conv2'),
    ];
  }).flat();
}

/** @param gain of the weight's variance: 1, or 2 where a ReLU halves it (He et al., ICCV 2015) */
function convolution(
  name: string,
  inputs: number,
  outputs: number,
  gain: number,
  random: Random,
): ParameterDeclaration {
  const deviation = Math.sqrt(gain / inputs);
  const initial = Float32Array.from({ length: outputs * inputs }, () => deviation * random.normal());
  return { name, shape: [outputs, inputs, 1, 1], decay: true, initial };
}
