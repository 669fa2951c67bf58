import { type Grid, makeGrid } from '../regions/grid.js';
import { InputError } from '../util/error.js';
import { assertMappedShape } from './mappedShape.js';
import { classCount, type HeadPart, type MappedTensor, mapClasses, type OnnxMapping } from './mapping.js';

/** Scores are kept this far from 0 and 1 before their logits are taken: a sigmoid in f32 reaches both. */
const MIN_SCORE = 1e-6;

/** Scores of 16 bits or fewer are this far beyond 0 and 1 at most. */
const ROUNDING = 1e-3;

/** The logit of a class that the model does not know: a score of 2e-9. */
const UNKNOWN_LOGIT = -20;

/** What a model gives for a batch, as pyramids hold it: level by level, each [batch, channels, h, w]. */
export interface ModelOutputs {
  /** C channels. */
  classLogits: Float32Array;
  /** 4·bins channels, edge-major. */
  boxLogits: Float32Array;
}

/** What a session gives for some images of a batch, from `first` on: the tensors by their names. */
export interface Chunk {
  first: number;
  tensors: ReadonlyMap<string, { data: Float32Array; dims: readonly number[] }>;
}

/** Brings a model's tensors into the order of pyramids, channels of classes into that of the data. */
export class Placement {
  readonly #mapping: OnnxMapping;
  readonly #grid: Grid;
  /** For each class of the data the model's channel, or null. */
  readonly #channels: readonly (number | null)[];

  /**
   * @param classes names of the data's
   * @param imageSize pixels of the model's input
   * @throws InputError when a class has no counterpart
   */
  constructor(mapping: OnnxMapping, classes: readonly string[], imageSize: { width: number; height: number }) {
    this.#mapping = mapping;
    this.#grid = makeGrid({ imageSize, strides: mapping.strides });
    this.#channels = mapClasses(mapping, classes);
  }

  /**
   * The outputs of a batch. Classes that the model does not know have a score of 0; images beyond the batch are left out.
   * @param ids of the images, for messages; default their positions
   * @throws InputError when a tensor is missing, its shape is not what the mapping says, a value is NaN or infinite, or the
   *   scores are not what the mapping calls them
   */
  fill(chunks: readonly Chunk[], batch: number, ids?: readonly number[]): ModelOutputs {
    const rows = batch * this.#grid.locations;
    const outputs = {
      classLogits: new Float32Array(rows * this.#channels.length).fill(UNKNOWN_LOGIT),
      boxLogits: new Float32Array(rows * 4 * this.#mapping.bins),
    };
    const range = { low: Infinity, high: -Infinity };
    for (const mapped of this.#mapping.tensors) {
      for (const { first, tensors } of chunks) {
        const tensor = tensors.get(mapped.tensor);
        if (!tensor) throw new InputError(`${mapped.tensor}: the model gives no such tensor.`);
        this.#place({ mapped, first, ...tensor }, { batch, ids, range }, outputs);
      }
    }
    assertScores(this.#mapping, range);
    return outputs;
  }

  #place(found: FoundTensor, of: Target, outputs: ModelOutputs): void {
    const { mapped } = found;
    const width = mapped.channels.reduce((sum, part) => sum + this.#width(part), 0);
    const area = mapped.strides.reduce((sum, stride) => sum + this.#area(stride), 0);
    assertMappedShape(this.#mapping, mapped, found.dims, this.#grid);
    const isRowMajor = mapped.axes.endsWith('C');
    const steps = { image: width * area, channel: isRowMajor ? 1 : area, location: isRowMajor ? width : 1 };
    let channel = 0;
    for (const part of mapped.channels) {
      let location = 0;
      for (const stride of mapped.strides) {
        const start = channel * steps.channel + location * steps.location;
        this.#placeLevel({ ...found, start, steps }, { part, stride, ...of }, outputs);
        location += this.#area(stride);
      }
      channel += this.#width(part);
    }
  }

  #placeLevel(
    { mapped, data, first, dims, start, steps }: FoundTensor & { start: number; steps: Steps },
    { part, stride, batch, ids, range }: Target & { part: HeadPart; stride: number },
    { classLogits, boxLogits }: ModelOutputs,
  ): void {
    const { bins, scores } = this.#mapping;
    const isBox = part === 'boxes';
    const sources = isBox ? Array.from({ length: 4 * bins }, (_, channel) => channel) : this.#channels;
    const target = isBox ? boxLogits : classLogits;
    const convert = isBox || scores === 'logits' ? (value: number) => value : logit;
    const level = this.#grid.strides.indexOf(stride);
    const before = this.#grid.areas.slice(0, level).reduce((sum, area) => sum + area, 0);
    const area = this.#grid.areas[level];
    const images = Math.min(dims[0], batch - first);
    let [low, high] = [range.low, range.high];
    for (let image = 0; image < images; image++) {
      for (const [channel, source] of sources.entries()) {
        if (source === null) continue;
        const from = start + image * steps.image + source * steps.channel;
        const to = batch * sources.length * before + ((first + image) * sources.length + channel) * area;
        for (let i = 0; i < area; i++) {
          const value = data[from + i * steps.location];
          if (!Number.isFinite(value)) {
            const { width } = this.#grid.levels[level];
            const place = `stride ${stride}, row ${Math.floor(i / width)}, column ${i % width}, channel ${source} of the ${part}`;
            throw new InputError(
              `${mapped.tensor} is ${value} for image ${ids?.[first + image] ?? first + image} at ${place}. The model, or the mapping's input, is wrong: nothing can be learned from such values.`,
            );
          }
          if (!isBox) {
            if (value < low) low = value;
            if (value > high) high = value;
          }
          target[to + i] = convert(value);
        }
      }
    }
    [range.low, range.high] = [low, high];
  }

  /** Channels of a part, as the model has them. */
  #width(part: HeadPart): number {
    return part === 'boxes' ? 4 * this.#mapping.bins : classCount(this.#mapping);
  }

  #area(stride: number): number {
    return this.#grid.areas[this.#grid.strides.indexOf(stride)];
  }
}

/** A tensor as a session gives it, and what it is. */
interface FoundTensor {
  mapped: MappedTensor;
  data: Float32Array;
  dims: readonly number[];
  /** Its first image's position in the batch. */
  first: number;
}

/** Where values go, and what they are told as. */
interface Target {
  batch: number;
  ids: readonly number[] | undefined;
  /** Of the scores met so far. */
  range: { low: number; high: number };
}

/** Elements from one to the next. */
interface Steps {
  image: number;
  channel: number;
  location: number;
}

function logit(score: number): number {
  const p = Math.min(Math.max(score, MIN_SCORE), 1 - MIN_SCORE);
  return Math.log(p / (1 - p));
}

/**
 * A sigmoid too few makes nonsense of the scores, one too many makes every location an object.
 * @param range of the scores of many locations
 * @throws InputError with the remedy
 */
function assertScores({ scores, tensors }: OnnxMapping, { low, high }: { low: number; high: number }): void {
  const found = scoresOf({ low, high });
  if (found === scores) return;
  const names = tensors.flatMap(({ tensor, channels }) => (channels.includes('classes') ? [tensor] : [])).join(', ');
  const between = `from ${Number(low.toPrecision(3))} to ${Number(high.toPrecision(3))}`;
  throw new InputError(
    found === 'logits'
      ? `${names}: the scores go ${between}, so they are no probabilities; no sigmoid has been applied. Set "scores": "logits" in the mapping.`
      : `${names}: all scores are ${between}, so they are probabilities; a sigmoid has been applied already. Set "scores": "probabilities" in the mapping.`,
  );
}

/** Tells by the range: no head has logits between 0 and 1 everywhere, since all scores would be 0.5 or more. */
function scoresOf({ low, high }: { low: number; high: number }): OnnxMapping['scores'] {
  return low >= -ROUNDING && high <= 1 + ROUNDING ? 'probabilities' : 'logits';
}
