import { IMAGE_DEVIATION, IMAGE_MEAN } from '../data/augment.js';
import { InputError } from '../util/error.js';
import { externalFilesOf } from './externalData.js';
import type { OnnxMapping } from './mapping.js';
import { withOutputs } from './outputs.js';
import type { Chunk } from './placement.js';
import { noModel } from './protobuf.js';
import { loadRuntime, type OnnxRuntime, type OnnxSession, openSession, runSession } from './runtime.js';

/** What a model is opened with. */
export interface OnnxModelOptions {
  /** The file's bytes; `readModel` gives them with the weights that lie in other files. */
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

/** A session of ONNX Runtime that takes the loader's images and gives the tensors that a mapping names. */
export class OnnxNet {
  readonly #runtime: OnnxRuntime;
  readonly #session: OnnxSession;
  readonly #name: string;
  readonly #size: { width: number; height: number };
  /** Names of the tensors. */
  readonly #outputs: readonly string[];
  readonly #input: string;
  /** Images that the model takes at once; null: any number. */
  readonly #images: number | null;

  private constructor(options: OnnxModelOptions, runtime: OnnxRuntime, session: OnnxSession) {
    const { name = 'model', mapping, width, height } = options;
    this.#runtime = runtime;
    this.#session = session;
    this.#name = name;
    this.#size = { width, height };
    this.#outputs = [...new Set(mapping.tensors.map(({ tensor }) => tensor))];
    ({ input: this.#input, images: this.#images } = inputOf(session, options));
  }

  /** @throws InputError as `OnnxModel.open` */
  static async open(options: OnnxModelOptions): Promise<OnnxNet> {
    const { model, mapping, name = 'model' } = options;
    assertWhole(model, name);
    const wanted = mapping.tensors.map(({ tensor }) => tensor);
    const whole = await withOutputs(model, wanted, name);
    const runtime = options.runtime ?? (await loadRuntime());
    const session = await openSession(runtime, whole, name);
    try {
      return new OnnxNet(options, runtime, session);
    } catch (error) {
      await session.release();
      throw error;
    }
  }

  /**
   * Runs the model.
   * @param images [batch, 3, height, width] as `Loader` gives them: red, green, blue, ImageNet's mean and deviation taken out
   * @param input what the model takes
   * @throws InputError when a tensor is not of float32, or ONNX Runtime cannot run the model
   */
  async compute(images: Float32Array, batch: number, input: OnnxMapping['input']): Promise<Chunk[]> {
    const { width, height } = this.#size;
    const pixels = 3 * width * height;
    const prepared = preprocess(images, width * height, input);
    const count = this.#images ?? batch;
    const chunks: Chunk[] = [];
    for (let first = 0; first < batch; first += count) {
      // Where a model of a fixed batch has room left, it sees zeros.
      const given = new Float32Array(count * pixels);
      given.set(prepared.subarray(first * pixels, (first + count) * pixels));
      const tensor = new this.#runtime.Tensor('float32', given, [count, 3, height, width]);
      const found = await runSession(this.#session, { [this.#input]: tensor }, this.#outputs, this.#name);
      const tensors = this.#outputs.map((output) => {
        // Sequences and maps have neither.
        const { data, dims, type = 'no tensor' } = found[output] ?? {};
        if (!(data instanceof Float32Array) || !dims) {
          throw new InputError(`${this.#name}: ${output} is ${type}; export the model with float32 outputs.`);
        }
        return [output, { data, dims }] as const;
      });
      chunks.push({ first, tensors: new Map(tensors) });
    }
    return chunks;
  }

  /** Ends the session. */
  async release(): Promise<void> {
    await this.#session.release();
  }
}

/** @throws InputError where the weights are in other files, which bytes alone do not lead to */
export function assertWhole(model: Uint8Array, name: string): void {
  let files: string[];
  try {
    files = externalFilesOf(model);
  } catch {
    throw noModel(name);
  }
  if (files.length > 0) {
    throw new InputError(
      `${name}: its weights are in other files, ${files.join(', ')}; read it with readModel(path) of edgewise/onnx, or export it with its weights inside.`,
    );
  }
}

/**
 * From the loader's normalisation to the model's: channel `channel` is factor · (channel `from` of the loader) + shift.
 * @param input of the mapping
 */
export function inputChange(
  { order, white, mean, deviation }: OnnxMapping['input'],
  channel: number,
): { from: number; factor: number; shift: number } {
  const from = order === 'rgb' ? channel : 2 - channel;
  const factor = ((white / 255) * IMAGE_DEVIATION[from]) / deviation[channel];
  const shift = ((white / 255) * IMAGE_MEAN[from] - mean[channel]) / deviation[channel];
  return { from, factor, shift };
}

/** Likewise, of a batch. @param area pixels of an image */
function preprocess(images: Float32Array, area: number, input: OnnxMapping['input']): Float32Array<ArrayBuffer> {
  const output = new Float32Array(images.length);
  for (let plane = 0; plane < images.length / area; plane++) {
    const channel = plane % 3;
    const { from, factor, shift } = inputChange(input, channel);
    const source = (plane - channel + from) * area;
    const target = plane * area;
    for (let i = 0; i < area; i++) output[target + i] = images[source + i] * factor + shift;
  }
  return output;
}

/** The model's input and the images it takes at once. */
function inputOf(session: OnnxSession, { mapping, width, height, name = 'model' }: OnnxModelOptions) {
  const names = session.inputNames;
  const wanted = mapping.input.name ?? names[0];
  if (names.length !== 1 || names[0] !== wanted) {
    throw new InputError(
      `${name} has the inputs ${names.join(', ') || '(none)'}; expected ${mapping.input.name ?? 'one, the images'}: correct input.name of the mapping, or export the model with one input, without its post-processing.`,
    );
  }
  const [metadata] = session.inputMetadata;
  const remedy = 'Export it so; a model of float16, uint8 or channels last needs a Cast or Transpose behind its input';
  if (!metadata.isTensor || metadata.type !== 'float32' || metadata.shape.length !== 4) {
    const found = metadata.isTensor ? `${metadata.type} [${metadata.shape}]` : 'no tensor';
    throw new InputError(
      `${name}: input ${wanted} is ${found}; expected float32 [batch, 3, height, width]. ${remedy}.`,
    );
  }
  // Open sizes are names, or -1.
  const [images, channels, rows, columns] = metadata.shape.map((size) =>
    typeof size === 'number' && size > 0 ? size : null,
  );
  if (channels !== null && channels !== 3) {
    throw new InputError(
      `${name}: input ${wanted} has the shape [${metadata.shape}]; expected [batch, 3, height, width]. ${remedy}.`,
    );
  }
  if ((rows ?? height) !== height || (columns ?? width) !== width) {
    throw new InputError(
      `${name}: input ${wanted} has the shape [${metadata.shape}]; the images are 3 channels of ${width}×${height}. Give the model's width and height, or export it for this size.`,
    );
  }
  return { input: wanted, images };
}
