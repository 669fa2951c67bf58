import { ParameterStore } from '../autograd/parameters.js';
import { recomputed } from '../autograd/recomputed.js';
import { backward, Variable } from '../autograd/variable.js';
import { storedAs } from '../ops/storedAs.js';
import type { Device } from '../tensor/device.js';
import { openedDevice } from '../tensor/deviceArgument.js';
import { assertPyramid, Pyramid } from '../tensor/pyramid.js';
import { SizingDevice } from '../tensor/sizing.js';
import { assertStores, type StoredType } from '../tensor/stored.js';
import { flag, integer, oneOf, optional, options as optionsOf, positive } from '../util/argument.js';
import { InputError } from '../util/error.js';
import { declareBackbone } from './backbone.js';
import { architectureOf, type DetectorConfig, detectorConfig } from './config.js';
import { assertBatchFits } from './fits.js';
import { declareHead, type Head, type HeadLogits, type TowerFeatures } from './head.js';
import { asItIs, type Convolution, Layers, type Parameters, type Part } from './layers.js';
import { declareNeck } from './neck.js';
import type { DetectionNet, NetOutputs } from './net.js';
import { PRIOR } from './prior.js';

/** What a detector says of a batch of images. */
export interface DetectorOutputs extends NetOutputs {
  /** [B, F, H, W] a level: what feature imitation compares. */
  features: Variable<Pyramid>;
}

const SEEDED = optionsOf({ seed: integer(0), prior: optional(positive), precision: optional(oneOf('f32', 'f16')) });
const TRAINING = optionsOf({ training: flag, recompute: optional(flag) });
const FORWARD = optionsOf({ training: flag, tower: optional(integer(1)), recompute: optional(flag) });

interface Network {
  layers: Layers;
  head: Head;
  apply: (images: Variable<Pyramid>, parameters: Parameters, part: Part, tower: number) => DetectorOutputs;
}

/** A small one-stage detector with distribution boxes: residual backbone, feature pyramid, GFocal head. */
export class Detector implements DetectionNet {
  /** What it was made from. */
  readonly config: DetectorConfig;
  /** All that it learns. */
  readonly parameters: ParameterStore;
  /** What its maps are stored in. Parameters, logits, features and what a kernel computes are f32 either way. */
  readonly precision: StoredType;
  /** Those of every level after the neck. */
  readonly featureChannels: number;
  readonly #network: Network;
  readonly #fitting = new Set<string>();

  /**
   * A detector with random parameters: convolutions He-normal, the head's outputs of deviation 0.01.
   * @param config from `detectorConfig`
   * @param options `seed` fixes the initial parameters, bit by bit; `prior` is the score that every class starts from, default 0.01;
   * `precision` f16 stores maps, and weights for the kernels, in half the bytes, default f32
   * @throws DeviceError for f16 on an adapter without it
   * @throws InputError for a configuration that `detectorConfig` would refuse, or a prior that is not between 0 and 1
   */
  constructor(
    device: Device,
    config: DetectorConfig,
    options: { seed: number; prior?: number; precision?: StoredType },
  ) {
    openedDevice('device', device);
    SEEDED('options', options);
    this.config = detectorConfig(config);
    this.featureChannels = architectureOf(this.config).features;
    const { prior = PRIOR, precision = 'f32' } = options;
    assertStores(device, precision);
    this.precision = precision;
    if (prior >= 1) throw new InputError(`options.prior: ${prior}; expected a score between 0 and 1, such as 0.01.`);
    this.#network = declareNetwork(this.config, { prior, precision });
    const { layers } = this.#network;
    this.parameters = new ParameterStore(
      device,
      device instanceof SizingDevice ? layers.declarations(null) : layers.declarations(options.seed),
    );
  }

  /**
   * Checks that the device's kernels can see all that a batch needs; `forward` does it too.
   * @param options `training`: whether there is a backward pass; `recompute`: as of `forward`
   * @throws InputError that names the largest batch that fits
   */
  assertFits(batch: number, options: { training: boolean; recompute?: boolean }): void {
    integer(1)('batch', batch);
    TRAINING('options', options);
    const { training, recompute = false } = options;
    this.#assertFits(batch, `forward ${training} ${recompute}`, (sized, images) => {
      const { classLogits, boxLogits } = sized.forward(images, { training, recompute });
      // Any values of their sizes do for gradients.
      const seeds = [classLogits, boxLogits].map((variable) => ({ variable, gradient: variable.value }));
      if (training) backward(seeds);
    });
  }

  sizedOn(device: SizingDevice): Detector {
    return new Detector(device, this.config, { seed: 0, precision: this.precision });
  }

  #assertFits(batch: number, what: string, work: (sized: Detector, images: Pyramid) => void): void {
    const { device } = this.parameters;
    const key = `${what} ${batch}`;
    if (device instanceof SizingDevice || this.#fitting.has(key)) return;
    const sizing = new SizingDevice(device);
    const sized = this.sizedOn(sizing);
    assertBatchFits(device, 'this detector', this.config, batch, (count) =>
      sizing.needsOf(() => work(sized, Pyramid.empty(sizing, count, 3, [this.config]))),
    );
    this.#fitting.add(key);
  }

  /**
   * Logits and features of a batch.
   * @param images [B, 3, height, width], one level; normalised as in training. They stay the caller's.
   * @param options `training` true: the outputs remember how they were made, for `backward`, which also frees the intermediates.
   * false: they are constants, intermediates are freed at once, and the caller disposes the values.
   * `tower`: the convolution of the head's towers, from 1, whose features are wanted too, before their activation.
   * `recompute`: of what lies between, only the results of stages, neck and towers are kept; `backward` computes the rest again, with the
   * same bits. The images have to live until then. Default false.
   * @throws InputError when the images do not have three channels or the configured size, or are too many for the device, or the
   * head's towers have no such convolution
   */
  forward(images: Pyramid, options: { training: boolean; tower?: number; recompute?: boolean }): DetectorOutputs {
    const input = this.#input(images, options);
    const { training, tower = 0, recompute = false } = options;
    this.#assertTower('options.tower', tower);
    this.assertFits(images.batch, { training, recompute });
    if (training) {
      return this.#apply(input, (name) => this.parameters.get(name), recompute ? recomputed : asItIs, tower);
    }
    const values = images.device.tidy(() => {
      // Of constants, `recomputed` gives back at once what lies in a part.
      const { classLogits, boxLogits, features, classTower, boxTower } = this.#apply(
        input,
        (name) => this.parameters.frozen(name),
        recomputed,
        tower,
      );
      return {
        ...{ classLogits: classLogits.value, boxLogits: boxLogits.value, features: features.value },
        ...(classTower && boxTower && { classTower: classTower.value, boxTower: boxTower.value }),
      };
    });
    const { classTower, boxTower } = values;
    return {
      classLogits: new Variable(values.classLogits),
      boxLogits: new Variable(values.boxLogits),
      features: new Variable(values.features),
      ...(classTower && boxTower && { classTower: new Variable(classTower), boxTower: new Variable(boxTower) }),
    };
  }

  /** What leaves the detector is f32; of the features only where they are asked for, since few recipes do. */
  #apply(images: Variable<Pyramid>, parameters: Parameters, part: Part, tower: number): DetectorOutputs {
    const outputs = this.#network.apply(images, parameters, part, tower);
    const { classTower, boxTower } = outputs;
    let features: Variable<Pyramid> | undefined;
    return {
      ...outputs,
      get features() {
        features ??= storedAs(outputs.features, 'f32');
        return features;
      },
      ...(classTower && boxTower && { classTower: storedAs(classTower, 'f32'), boxTower: storedAs(boxTower, 'f32') }),
    };
  }

  /**
   * The logits that the rest of this detector's head makes of features of its towers: the head is frozen, and gradients flow through
   * it into the features (CrossKD, Wang et al., CVPR 2024).
   * @param towers as `forward` gives them for `tower` = `from`
   * @param from the towers' convolution that they are in place of, from 1
   * @param options `recompute`: as of `forward`
   * @throws InputError when the towers have no such convolution, or the features another number of channels
   */
  finishHead(towers: TowerFeatures, from: number, { recompute = false }: { recompute?: boolean } = {}): HeadLogits {
    integer(1)('from', from);
    this.#assertTower('from', from);
    const { features } = architectureOf(this.config);
    for (const [name, { value }] of Object.entries(towers)) {
      if (value.channels !== features) {
        throw new InputError(`${name}: ${value.channels} channels; this detector's towers have ${features}.`);
      }
    }
    const { classTower, boxTower } = towers;
    const own = {
      classTower: storedAs(classTower, this.precision),
      boxTower: storedAs(boxTower, this.precision),
    };
    const frozen: Parameters = (name) => this.parameters.frozen(name);
    return this.#network.head.finish(own, frozen, recompute ? recomputed : asItIs, from);
  }

  #assertTower(name: string, tower: number): void {
    const { size } = this.config;
    const { tower: convolutions } = architectureOf(this.config);
    if (tower <= convolutions) return;
    throw new InputError(`${name}: ${tower}; the towers of a ${size} detector have ${convolutions} convolutions.`);
  }

  #input(images: Pyramid, options: unknown): Variable<Pyramid> {
    assertPyramid('images', images, this.parameters.device);
    FORWARD('options', options);
    const { width, height } = this.config;
    const [level] = images.levels;
    if (images.channels !== 3 || images.levels.length !== 1 || level.width !== width || level.height !== height) {
      throw new InputError(
        `images: ${images.channels} channels of ${level.width}×${level.height} pixels; this detector takes 3 channels of ${width}×${height}.`,
      );
    }
    return new Variable(images);
  }

  /** Frees the parameters. */
  dispose(): void {
    this.parameters.dispose();
  }
}

/**
 * Floating-point operations of one image's forward pass: the convolutions, a multiplication and an addition counting 2.
 * Norms and activations are left out; they are bound by memory.
 */
export function flops(config: DetectorConfig): number {
  const { width, height } = config;
  const pixels = (at: readonly number[]) =>
    at.reduce((sum, cell) => sum + Math.ceil(width / cell) * Math.ceil(height / cell), 0);
  return convolutionsOf(config).reduce(
    (sum, { inputs, outputs, kernel, at }) => sum + 2 * inputs * outputs * kernel ** 2 * pixels(at),
    0,
  );
}

/** The convolutions of a detector, in the order of its parameters. */
export function convolutionsOf(config: DetectorConfig): readonly Convolution[] {
  return declareNetwork(config).layers.convolutions;
}

function declareNetwork(
  config: DetectorConfig,
  { prior, precision }: { prior: number; precision: StoredType } = { prior: PRIOR, precision: 'f32' },
): Network {
  const layers = new Layers();
  const backbone = declareBackbone(layers, config, precision);
  const neck = declareNeck(layers, config, backbone.channels);
  const head = declareHead(layers, config, prior);
  return {
    layers,
    head,
    apply: (images, parameters, part, tower) => {
      const features = neck(backbone.apply(images, parameters, part), parameters, part);
      return { ...head.apply(features, parameters, part, tower), features };
    },
  };
}
