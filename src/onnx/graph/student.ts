import { ParameterStore } from '../../autograd/parameters.js';
import { backward, Variable } from '../../autograd/variable.js';
import { assertBatchFits } from '../../detector/fits.js';
import type { DetectionNet, NetConfig, NetOutputs } from '../../detector/net.js';
import { PRIOR } from '../../detector/prior.js';
import type { Device } from '../../tensor/device.js';
import { openedDevice } from '../../tensor/deviceArgument.js';
import { assertPyramid, Pyramid } from '../../tensor/pyramid.js';
import { SizingDevice } from '../../tensor/sizing.js';
import { assertStores, type StoredType } from '../../tensor/stored.js';
import { flag, integer, oneOf, optional, options as optionsOf } from '../../util/argument.js';
import { InputError } from '../../util/error.js';
import { classCount, mapClasses, type OnnxMapping } from '../mapping.js';
import { gatherMaps } from './gather.js';
import { GraphNet } from './graphNet.js';
import { modelInput } from './input.js';
import { parseGraph } from './plan.js';
import type { Region } from './regions.js';
import { replaceClasses } from './replaceClasses.js';
import { planStudent, type StudentPlan, type StudentShape } from './studentPlan.js';

/** What a student is opened with. */
export interface GraphStudentOptions {
  /** The file's bytes; `readModel` gives them with the weights that lie in other files. */
  model: Uint8Array;
  /** Of the file, for messages; default `model`. */
  name?: string;
  /** From `readMapping` or `checkMapping`. */
  mapping: OnnxMapping;
  /** Names of the data's classes, in the order that the class logits are to have. */
  classes: readonly string[];
  /** Pixels of the images. */
  width: number;
  /** Likewise. */
  height: number;
  /** Images that it is planned for at once; others are planned when they come. Default 1. */
  batch?: number;
  /** Whether the model's classes are replaced by the data's (`replaceClasses`); default false. */
  newClasses?: boolean;
  /** Of the weights of new classes; default 0. */
  seed?: number;
  /** The score that new classes start from; default 0.01. */
  prior?: number;
  /** What its maps are stored in between image and logits; default f32. f16 takes half the memory. */
  precision?: StoredType;
}

const PRECISION = oneOf('f32', 'f16');
const TRAINING = optionsOf({ training: flag, recompute: optional(flag) });
const FORWARD = optionsOf({ training: flag, tower: optional(integer(1)), recompute: optional(flag) });

/** What students of one file on several devices have in common. */
interface Core extends StudentShape {
  model: Uint8Array;
  config: NetConfig;
  precision: StoredType;
  /** For each class of the data the model's channel. */
  channels: readonly number[];
  plans: Map<number, StudentPlan>;
}

/**
 * An ONNX model as a net that learns: a mapping says where in its graph the logits are, and gradients flow to its initializers.
 * What comes behind the named tensors is not run; sigmoids and what moves the logits about is left out, too.
 */
export class GraphStudent implements DetectionNet {
  /** Its head, as the mapping says, with the classes of the data. */
  readonly config: NetConfig;
  /** The initializers that learn, by their names in the file. */
  readonly parameters: ParameterStore;
  /** Of the tensors that the mapping's `features` names; 0: it names none. */
  readonly featureChannels: number;
  /** What its maps are stored in. */
  readonly precision: StoredType;
  readonly #core: Core;
  readonly #nets = new Map<number, GraphNet>();
  readonly #fitting = new Set<string>();

  private constructor(device: Device, core: Core, batch: number) {
    this.#core = core;
    this.config = core.config;
    this.precision = core.precision;
    const { graph, features } = planOf(core, batch);
    const declarations = graph.parameters.map(({ name, shape, data, decay }) => ({
      name,
      shape,
      decay,
      initial: data,
    }));
    this.parameters = new ParameterStore(device, declarations);
    this.featureChannels = features[0]?.extents[1] ?? 0;
  }

  /**
   * Opens a model as a student.
   * @throws InputError when the graph cannot be read as far as the mapping needs it, a tensor is missing or has not the shape that the
   *   mapping says, no sigmoid is where it says `probabilities`, or a class of the data has no counterpart (without `newClasses`)
   * @throws DeviceError for `precision` f16 on an adapter without it
   */
  static async open(device: Device, options: GraphStudentOptions): Promise<GraphStudent> {
    openedDevice('device', device);
    const { name = 'model', classes, width, height, batch = 1, newClasses = false, seed = 0, prior = PRIOR } = options;
    const { precision = 'f32' } = options;
    PRECISION('options.precision', precision);
    assertStores(device, precision);
    for (const [field, value] of Object.entries({ width, height, batch })) integer(1)(`options.${field}`, value);
    const { model, mapping } = newClasses ? await replaceClasses({ ...options, name, seed, prior }) : options;
    const channels = channelsOf(mapping, classes, name);
    const { strides, bins } = mapping;
    const config: NetConfig = { classes: classes.length, bins, strides: [...strides], width, height };
    const parsed = await parseGraph(model, name);
    const core: Core = { model, parsed, name, mapping, width, height, config, precision, channels, plans: new Map() };
    return new GraphStudent(device, core, batch);
  }

  /** Where distances are measured from, as the mapping says: a recipe's `regions.centreOffset` has to be the same. */
  get centreOffset(): number {
    return this.#core.mapping.centreOffset;
  }

  /** The file as it was opened, with new classes if there are some; its initializers have the values from before training. */
  get model(): Uint8Array {
    return this.#core.model;
  }

  /** Of `model`. */
  get mapping(): OnnxMapping {
    return this.#core.mapping;
  }

  assertFits(batch: number, options: { training: boolean; recompute?: boolean }): void {
    integer(1)('batch', batch);
    TRAINING('options', options);
    const { training, recompute = false } = options;
    const { device } = this.parameters;
    const key = `${training} ${recompute} ${batch}`;
    if (device instanceof SizingDevice || this.#fitting.has(key)) return;
    const sizing = new SizingDevice(device);
    const sized = this.sizedOn(sizing);
    assertBatchFits(device, this.#core.name, this.config, batch, (count) =>
      sizing.needsOf(() => {
        const images = Pyramid.empty(sizing, count, 3, [this.config]);
        const { classLogits, boxLogits } = sized.forward(images, { training, recompute });
        const seeds = [classLogits, boxLogits].map((variable) => ({ variable, gradient: variable.value }));
        if (training) backward(seeds);
      }),
    );
    this.#fitting.add(key);
  }

  sizedOn(device: SizingDevice): GraphStudent {
    return new GraphStudent(device, this.#core, 1);
  }

  /**
   * Logits, and features where the mapping names some, of a batch of any size.
   * @param images [B, 3, height, width] as the loader gives them; they stay the caller's
   * @param options as `Detector.forward`; there is no `tower`. In training the images as the model takes them are freed by the `device.tidy`
   *   around it.
   * @throws InputError when the images do not have three channels or the size that the student was opened with, or are too many for
   *   the device
   */
  forward(images: Pyramid, options: { training: boolean; tower?: number; recompute?: boolean }): NetOutputs {
    const { device } = this.parameters;
    assertPyramid('images', images, device);
    FORWARD('options', options);
    const { training, tower, recompute = false } = options;
    const { width, height } = this.config;
    const [level] = images.levels;
    if (images.channels !== 3 || images.levels.length !== 1 || level.width !== width || level.height !== height) {
      throw new InputError(
        `images: ${images.channels} channels of ${level.width}×${level.height} pixels; ${this.#core.name} takes 3 channels of ${width}×${height}.`,
      );
    }
    if (tower !== undefined)
      throw new InputError(`options.tower: ${tower}; an ONNX model has no towers that are known.`);
    this.assertFits(images.batch, { training, recompute });
    if (training) return this.#run(images, { training, recompute });
    const { classLogits, boxLogits, features } = device.tidy(() => {
      const outputs = this.#run(images, { training });
      return {
        classLogits: outputs.classLogits.value,
        boxLogits: outputs.boxLogits.value,
        ...(outputs.features && { features: outputs.features.value }),
      };
    });
    return {
      classLogits: new Variable(classLogits),
      boxLogits: new Variable(boxLogits),
      ...(features && { features: new Variable(features) }),
    };
  }

  /** Frees the parameters and the constants. */
  dispose(): void {
    for (const net of this.#nets.values()) net.dispose();
    this.parameters.dispose();
  }

  #run(images: Pyramid, options: { training: boolean; recompute?: boolean }): NetOutputs {
    const { mapping, channels } = this.#core;
    const plan = planOf(this.#core, images.batch);
    const { parameters, precision } = this;
    const net = this.#nets.get(images.batch) ?? new GraphNet(parameters.device, plan.graph, { parameters, precision });
    this.#nets.set(images.batch, net);
    const [{ name }] = plan.graph.inputs;
    const outputs = net.forward({ [name]: modelInput(images, mapping.input) }, options);
    const maps = (regions: readonly Region[], wanted: readonly number[]) => {
      const sources = regions.map((region) => {
        const variable = outputs.get(region.edge);
        if (!variable) throw new InputError(`${this.#core.name}: ${region.edge} was not computed.`);
        return { variable, region };
      });
      return gatherMaps(sources, wanted);
    };
    const all = (count: number) => Array.from({ length: count }, (_, channel) => channel);
    return {
      classLogits: maps(plan.classLogits, channels),
      boxLogits: maps(plan.boxLogits, all(4 * mapping.bins)),
      ...(this.featureChannels > 0 && { features: maps(plan.features, all(this.featureChannels)) }),
    };
  }
}

function planOf(core: Core, batch: number): StudentPlan {
  const plan = core.plans.get(batch) ?? planStudent(core, batch);
  core.plans.set(batch, plan);
  return plan;
}

/** A class that the model does not know has no logit to train. */
function channelsOf(mapping: OnnxMapping, classes: readonly string[], name: string): number[] {
  const unknown = (missing: readonly string[]) =>
    new InputError(
      `${name}: the model has no class for ${missing.join(', ')}; open it with new classes (--classes new), or give name or index in the mapping's classMap.`,
    );
  const { classMap = {}, classes: own } = mapping;
  const lost = classes.filter((one) => {
    const target = Object.hasOwn(classMap, one) ? classMap[one] : one;
    return target === null || (typeof target === 'string' && !(Array.isArray(own) && own.includes(target)));
  });
  if (lost.length > 0) throw unknown(lost);
  return mapClasses(mapping, classes).filter(
    (channel): channel is number => channel !== null && channel < classCount(mapping),
  );
}
