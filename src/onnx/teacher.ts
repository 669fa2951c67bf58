import { createHash } from 'node:crypto';
import type { Batch } from '../data/loader.js';
import { type Recipe, resolveRecipe } from '../losses/recipe.js';
import type { Device } from '../tensor/device.js';
import { Pyramid } from '../tensor/pyramid.js';
import type { Teacher, TeacherConfig, TeacherStep } from '../train/teacher.js';
import type { OnnxMapping } from './mapping.js';
import { OnnxModel } from './model.js';
import type { OnnxModelOptions } from './net.js';

/**
 * An ONNX model as the teacher of a training: `train({ teacher })`. It runs in ONNX Runtime on the host, and its logits are
 * uploaded. It has no features to imitate. Its bins mean distances from the mapping's `centreOffset`: the recipe needs
 * `box.parameters` ltrb; other bins, strides and centre offsets are brought into the student's.
 */
export class OnnxTeacher implements Teacher {
  /** Where the outputs go. */
  readonly device: Device;
  /** Its head and image size; the latter has to be the student's. */
  readonly config: TeacherConfig;
  readonly featureChannels = 0;
  /** What its bins mean: distances from the mapping's `centreOffset`. */
  readonly recipe: Recipe;
  /** Those of the data that it was opened for. */
  readonly classes: readonly { name: string }[];
  /** What computes them. */
  readonly model: OnnxModel;
  readonly #hash: string;

  private constructor(device: Device, model: OnnxModel, hash: string) {
    const { mapping, classes, width, height } = model;
    this.device = device;
    this.model = model;
    this.config = { classes: classes.length, bins: mapping.bins, strides: mapping.strides, width, height };
    this.recipe = recipeOf(mapping);
    this.classes = classes.map((name) => ({ name }));
    this.#hash = hash;
  }

  /** @throws InputError as `OnnxModel.open` */
  static async open(device: Device, options: OnnxModelOptions): Promise<OnnxTeacher> {
    const hash = createHash('sha256').update(options.model).digest('hex');
    return new OnnxTeacher(device, await OnnxModel.open(options), hash);
  }

  /** Model, mapping and classes. Which ONNX Runtime runs it is left out: their results differ by rounding only. */
  async describe(): Promise<object> {
    const { mapping, classes } = this.model;
    return { onnx: this.#hash, mapping, classes };
  }

  /** Runs the model. @throws InputError as `OnnxModel.run` */
  async prepare({ images, ids }: Batch): Promise<TeacherStep> {
    const { device, config } = this;
    const { width, height, strides, classes, bins } = config;
    const batch = images.length / (3 * width * height);
    const values = await this.model.run(images, batch, ids);
    const sizes = strides.map((stride) => ({ height: Math.ceil(height / stride), width: Math.ceil(width / stride) }));
    let uploaded: { classLogits: Pyramid; boxLogits: Pyramid };
    const upload = (channels: number, data: Float32Array) => {
      const pyramid = Pyramid.empty(device, batch, channels, sizes);
      pyramid.write(data);
      return pyramid;
    };
    return {
      begin() {
        uploaded = { classLogits: upload(classes, values.classLogits), boxLogits: upload(4 * bins, values.boxLogits) };
      },
      outputs: () => uploaded,
      end: () => undefined,
    };
  }

  /** Ends the session of ONNX Runtime. */
  async release(): Promise<void> {
    await this.model.release();
  }
}

/** What the bins of a model mean: distances from the mapping's centre. */
export function recipeOf({ centreOffset }: Pick<OnnxMapping, 'centreOffset'>): Recipe {
  return resolveRecipe({ name: 'onnx', regions: { centreOffset } });
}
