import { IMAGE_DEVIATION, IMAGE_MEAN } from '../data/augment.js';
import { InputError } from '../util/error.js';
import { mapClasses, type OnnxMapping } from './mapping.js';
import { withOutputs } from './outputs.js';
import { type ModelOutputs, Placement } from './placement.js';
import { loadRuntime, type OnnxRuntime, type OnnxSession, openSession } from './runtime.js';

/** What a model is opened with. */
export interface OnnxModelOptions {
  /** The file's bytes. */
  model: Uint8Array;
  /** Of the file, for messages; default `model`. */
  name?: string;
  /** From `readMapping` or `checkMapping`. */
  mapping: OnnxMapping;
  /** Names of the data's classes. */
  classes: readonly string[];
  /** Pixels of the images it will be given. */
  width: number;
  /** Likewise. */
  height: number;
  /** Default: what is installed, `onnxruntime-node` or else `onnxruntime-web`. */
  runtime?: OnnxRuntime;
}

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
  /** Those that the model does not know: they have a score of 0 everywhere. */
  readonly unknownClasses: readonly string[];
  readonly #runtime: OnnxRuntime;
  readonly #session: OnnxSession;
  readonly #placement: Placement;
  readonly #input: string;
  /** Images that the model takes at once; null: any number. */
  readonly #images: number | null;

  private constructor(options: OnnxModelOptions, runtime: OnnxRuntime, session: OnnxSession) {
    const { mapping, classes, width, height } = options;
    this.mapping = mapping;
    this.width = width;
    this.height = height;
    this.classes = classes;
    const channels = mapClasses(mapping, classes);
    this.unknownClasses = classes.filter((_, i) => channels[i] === null);
    this.#runtime = runtime;
    this.#session = session;
    this.#placement = new Placement(mapping, classes, { width, height });
    ({ input: this.#input, images: this.#images } = inputOf(session, options));
  }

  /**
   * Opens a model and makes the tensors that the mapping names its outputs.
   * @throws InputError when no ONNX Runtime is installed, the model is broken or lacks a tensor, the classes have no
   *   counterpart, or its input is not float32 of three channels and the given size
   */
  static async open(options: OnnxModelOptions): Promise<OnnxModel> {
    const { model, mapping, name = 'model', classes } = options;
    mapClasses(mapping, classes);
    const wanted = mapping.tensors.map(({ tensor }) => tensor);
    const whole = await withOutputs(model, wanted, name);
    const runtime = options.runtime ?? (await loadRuntime());
    const session = await openSession(runtime, whole, name);
    try {
      return new OnnxModel(options, runtime, session);
    } catch (error) {
      await session.release();
      throw error;
    }
  }

  /**
   * Runs the model.
   * @param images [batch, 3, height, width] as `Loader` gives them: red, green, blue, ImageNet's mean and deviation taken out
   * @throws InputError when a tensor has not the type and shape that the mapping says
   */
  async run(images: Float32Array, batch: number): Promise<ModelOutputs> {
    const { width, height, mapping } = this;
    const outputs = this.#placement.empty(batch);
    const pixels = 3 * width * height;
    const input = this.#preprocess(images);
    const chunk = this.#images ?? batch;
    for (let first = 0; first < batch; first += chunk) {
      // Where a model of a fixed batch has room left, it sees zeros.
      const given = new Float32Array(chunk * pixels);
      given.set(input.subarray(first * pixels, (first + chunk) * pixels));
      const tensor = new this.#runtime.Tensor('float32', given, [chunk, 3, height, width]);
      const names = mapping.tensors.map((mapped) => mapped.tensor);
      const found = await this.#session.run({ [this.#input]: tensor }, names);
      for (const mapped of mapping.tensors) {
        const { data, dims, type } = found[mapped.tensor];
        if (!(data instanceof Float32Array)) {
          throw new InputError(`${mapped.tensor} is of type ${type}; export the model with float32 outputs.`);
        }
        this.#placement.place({ mapped, data, dims, first }, batch, outputs);
      }
    }
    return outputs;
  }

  /** Ends the session. */
  async release(): Promise<void> {
    await this.#session.release();
  }

  /** From the loader's normalisation to the model's. */
  #preprocess(images: Float32Array): Float32Array<ArrayBuffer> {
    const { order, white, mean, deviation } = this.mapping.input;
    const area = this.width * this.height;
    const output = new Float32Array(images.length);
    for (let plane = 0; plane < images.length / area; plane++) {
      const channel = plane % 3;
      const from = order === 'rgb' ? channel : 2 - channel;
      const factor = ((white / 255) * IMAGE_DEVIATION[from]) / deviation[channel];
      const shift = ((white / 255) * IMAGE_MEAN[from] - mean[channel]) / deviation[channel];
      const source = (plane - channel + from) * area;
      const target = plane * area;
      for (let i = 0; i < area; i++) output[target + i] = images[source + i] * factor + shift;
    }
    return output;
  }
}

/** The model's input and the images it takes at once. */
function inputOf(session: OnnxSession, { mapping, width, height, name = 'model' }: OnnxModelOptions) {
  const names = session.inputNames;
  const wanted = mapping.input.name ?? names[0];
  if (names.length !== 1 || names[0] !== wanted) {
    throw new InputError(
      `${name} has the inputs ${names.join(', ')}; expected ${mapping.input.name ?? 'one'}: correct input.name of the mapping, or export the model with one input.`,
    );
  }
  const [metadata] = session.inputMetadata;
  if (!metadata.isTensor || metadata.type !== 'float32' || metadata.shape.length !== 4) {
    const found = metadata.isTensor ? `${metadata.type} [${metadata.shape}]` : 'no tensor';
    throw new InputError(`${name}: input ${wanted} is ${found}; expected float32 [batch, 3, height, width].`);
  }
  // Open sizes are names, or -1.
  const [images, ...rest] = metadata.shape.map((size) => (typeof size === 'number' && size > 0 ? size : null));
  const given = [3, height, width];
  if (rest.some((size, i) => size !== null && size !== given[i])) {
    throw new InputError(
      `${name}: input ${wanted} has the shape [${metadata.shape}]; the images are 3 channels of ${width}×${height}. Give the model's width and height, or export it for this size.`,
    );
  }
  return { input: wanted, images };
}
