import { mapClasses, type OnnxMapping } from './mapping.js';
import { type OnnxModelOptions, OnnxNet } from './net.js';
import { type ModelOutputs, Placement } from './placement.js';

/** A detector as an ONNX model whose inputs and outputs a mapping explains; on the host, without an adapter. */
export class OnnxModel {
  /** As it was given. */
  readonly mapping: OnnxMapping;
  /** Pixels of its input. */
  readonly width: number;
  /** Likewise. */
  readonly height: number;
  /** Classes of the data. */
  readonly classes: readonly string[];
  /** Classes that the model does not know: their score is 0 everywhere. */
  readonly unknownClasses: readonly string[];
  readonly #net: OnnxNet;
  readonly #placement: Placement;

  private constructor({ mapping, classes, width, height }: OnnxModelOptions, net: OnnxNet) {
    this.mapping = mapping;
    this.width = width;
    this.height = height;
    this.classes = classes;
    const channels = mapClasses(mapping, classes);
    this.unknownClasses = classes.filter((_, i) => channels[i] === null);
    this.#net = net;
    this.#placement = new Placement(mapping, classes, { width, height });
  }

  /**
   * Opens a model and makes the tensors that the mapping names its outputs.
   * @throws InputError when no ONNX Runtime is installed, the model is broken or lacks a tensor, the classes have no
   *   counterpart, or its input is not float32 of three channels and the given size
   */
  static async open(options: OnnxModelOptions): Promise<OnnxModel> {
    mapClasses(options.mapping, options.classes);
    const net = await OnnxNet.open(options);
    try {
      return new OnnxModel(options, net);
    } catch (error) {
      await net.release();
      throw error;
    }
  }

  /**
   * Runs the model.
   * @param images [batch, 3, height, width] as `Loader` gives them: red, green, blue, ImageNet's mean and deviation taken out
   * @param ids of the images, for messages; default their positions
   * @throws InputError when a tensor has not the type and shape that the mapping says, a value is NaN or infinite, or the
   *   scores are not what the mapping calls them: probabilities are 0 … 1, logits are not all so
   */
  async run(images: Float32Array, batch: number, ids?: readonly number[]): Promise<ModelOutputs> {
    return this.#placement.fill(await this.#net.compute(images, batch, this.mapping.input), batch, ids);
  }

  /** Ends the session. */
  async release(): Promise<void> {
    await this.#net.release();
  }
}
