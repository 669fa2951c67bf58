import { Random } from '../tensor/random.js';
import { InputError } from '../util/error.js';
import { augment, normalise, type Objects } from './augment.js';
import { fitSample } from './fit.js';
import type { ImageSource, Sample } from './source.js';

// Batches made ahead of the one in use: one hides a decoding pause, the second a slow image in the first.
const PREFETCH = 2;
// Decoded images kept in memory; 1 GiB holds 4,660 images of 320×240.
const CACHE_BYTES = 2 ** 30;
/** Of a batch: 4 GiB, more than any device sees at once. */
const MAX_VALUES = 2 ** 30;

/** What fixes the batches of every epoch. */
export interface LoaderOptions {
  /** Images a batch. */
  batch: number;
  /** The network's input size in pixels. */
  height: number;
  /** Likewise. */
  width: number;
  /** Fixes order and augmentation, together with the epoch. */
  seed: number;
  /** Flips, scales, shifts and recolours the images at random. */
  augment: boolean;
  /** Another order in each epoch. */
  shuffle: boolean;
  /** Leave out the images that do not fill a batch. */
  dropLast: boolean;
  /** An epoch has a multiple of so many batches, the rest is left out; 1 unless given. With `dropLast`. */
  accumulate?: number;
  /** Of each batch only one of `of` equal parts is made, from 0: other processes make the others. Default: all of it. */
  share?: LoaderShare;
}

/** One of the equal parts of a batch. */
export interface LoaderShare {
  /** Which, from 0. */
  part: number;
  /** How many there are. */
  of: number;
}

/** A batch in the form the network and the head loss take. G objects, I ignored regions, B images. */
export interface Batch {
  /** [B, 3, height, width], normalised by ImageNet's mean and deviation. Always B images (or the share's of them): what `ids` lacks is 0. */
  images: Float32Array;
  /** [G, 4] xyxy in pixels of the network's input */
  boxes: Float32Array;
  /** [G] class indices */
  labels: Int32Array;
  /** [G] position in the batch of the image each box belongs to, ascending */
  imageIndex: Int32Array;
  /** [I, 4] and [I], likewise */
  ignore: Float32Array;
  /** [I] position in the batch of the image each region belongs to, ascending. */
  ignoreIndex: Int32Array;
  /** Id of each image; fewer than B in the last batch when it is not dropped. */
  ids: number[];
  /** Of each image: the network's pixels to one of the original; without augmentation, box / scale is the original's box. */
  scales: number[];
}

/**
 * Reads, fits, augments and batches the images of a source. Order and augmentation are functions of seed, epoch and image
 * alone, so a training goes on from any step as if it had not stopped.
 */
export class Loader {
  /** Batches an epoch. */
  readonly steps: number;
  /** Images that are made of each. */
  readonly made: number;
  readonly #cache = new Map<number, { sample: Sample; scale: number }>();
  #cachedBytes = 0;

  /** @throws {InputError} a size is not a positive integer, a batch is too large for memory or has no equal parts, or dropLast leaves no batch */
  constructor(
    /** What the images come from. */
    readonly source: ImageSource,
    /** As they were given. */
    readonly options: LoaderOptions,
  ) {
    for (const name of ['batch', 'height', 'width'] as const)
      if (!Number.isSafeInteger(options[name]) || options[name] < 1)
        throw new InputError(`${name} is ${options[name]}, expected a positive integer`);
    const { height, width } = options;
    const batch = options.batch / (options.share?.of ?? 1);
    if (!Number.isInteger(batch)) {
      throw new InputError(
        `batch is ${options.batch}, which ${options.share?.of} processes cannot share equally; give a multiple`,
      );
    }
    this.made = batch;
    if (3 * batch * height * width > MAX_VALUES)
      throw new InputError(
        `batch: ${batch} images of ${width}×${height} have more than the ${MAX_VALUES} numbers that a batch may have; make the images or the batch smaller`,
      );
    const { dropLast, accumulate = 1 } = options;
    this.steps = dropLast
      ? accumulate * Math.floor(source.length / (options.batch * accumulate))
      : Math.ceil(source.length / options.batch);
    if (this.steps === 0) {
      const both = accumulate > 1 ? ` and accumulate ${accumulate}` : '';
      throw new InputError(`batch is ${options.batch}${both} but there are ${source.length} images; make it smaller`);
    }
  }

  /**
   * The batches of an epoch. The next ones are made while the caller works on one: image by image, giving way in between,
   * so that the answers of a GPU are taken in.
   *
   * @param epoch from 0
   * @param fromStep the first step, for a training that goes on in the middle of an epoch
   * @throws {InputError} an image cannot be decoded; thrown where its batch is asked for
   */
  async *batches(epoch: number, fromStep = 0): AsyncGenerator<Batch, void, void> {
    const { batch, seed, shuffle, share } = this.options;
    const first = this.made * (share?.part ?? 0);
    const order = Array.from({ length: this.source.length }, (_, index) => index);
    if (shuffle) Random.of(seed, epoch).shuffle(order);

    const ahead: Promise<Batch>[] = [];
    let started = fromStep;
    for (let step = fromStep; step < this.steps; step++) {
      for (; started < this.steps && started <= step + PREFETCH; started++) {
        const start = started * batch + first;
        const made = this.#make(epoch, order.slice(start, start + this.made));
        made.catch(() => undefined); // a caller that stops early never asks for this batch; its error then concerns nobody
        ahead[started % (PREFETCH + 1)] = made;
      }
      yield await ahead[step % (PREFETCH + 1)];
    }
  }

  async #make(epoch: number, indices: number[]): Promise<Batch> {
    const { height, width, seed } = this.options;
    const pixels = 3 * height * width;
    const images = new Float32Array(this.made * pixels);
    const loaded = await Promise.all(indices.map((index) => this.#load(index)));
    const objects: Objects[] = [];
    for (const [position, { sample }] of loaded.entries()) {
      await turnOfTheLoop();
      const output = images.subarray(position * pixels, (position + 1) * pixels);
      objects.push(
        this.options.augment
          ? augment(sample, Random.of(seed, epoch, indices[position]), this.options, output)
          : normalise(sample, this.options, output),
      );
    }
    return {
      images,
      boxes: Float32Array.from(objects.flatMap(({ boxes }) => [...boxes])),
      labels: Int32Array.from(objects.flatMap(({ labels }) => [...labels])),
      imageIndex: Int32Array.from(objects.flatMap(({ labels }, position) => Array(labels.length).fill(position))),
      ignore: Float32Array.from(objects.flatMap(({ ignore }) => [...ignore])),
      ignoreIndex: Int32Array.from(objects.flatMap(({ ignore }, position) => Array(ignore.length / 4).fill(position))),
      ids: loaded.map(({ sample }) => sample.id),
      scales: loaded.map(({ scale }) => scale),
    };
  }

  async #load(index: number): Promise<{ sample: Sample; scale: number }> {
    const cached = this.#cache.get(index);
    if (cached) return cached;
    const fitted = await fitSample(await this.source.load(index), this.options.height, this.options.width);
    // Once full, what is in stays: every epoch reads every image once, so replacing the oldest would never meet one again.
    const bytes = fitted.sample.pixels.byteLength;
    if (!this.#cache.has(index) && this.#cachedBytes + bytes <= CACHE_BYTES) {
      this.#cache.set(index, fitted);
      this.#cachedBytes += bytes;
    }
    return fitted;
  }
}

/** Lets whatever else is due happen first. Browsers have no setImmediate. */
function turnOfTheLoop(): Promise<void> {
  return new Promise(
    (resolve) => void (typeof setImmediate === 'undefined' ? setTimeout(resolve) : setImmediate(resolve)),
  );
}
