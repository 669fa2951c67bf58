import type { GroundTruth } from '../data/groundTruth.js';
import { type Batch, Loader } from '../data/loader.js';
import type { ImageSource } from '../data/source.js';
import { chooseDetections } from '../detector/choose.js';
import { type AveragePrecision, averagePrecision } from '../eval/averagePrecision.js';
import type { Detection } from '../eval/detections.js';
import { makeGrid } from '../regions/grid.js';
import type { Level } from '../tensor/pyramid.js';
import { fittedSize, groundTruthOf, toDetections } from '../train/evaluate.js';
import { InputError } from '../util/error.js';
import { inputKey } from './alternatives.js';
import { mapClasses, type OnnxMapping } from './mapping.js';
import type { OnnxNet } from './net.js';
import { type Chunk, type ModelOutputs, Placement } from './placement.js';

const BATCH = 8;

/** What a model finds of a sample under a mapping. */
export interface Judgement {
  /** Of the classes that the model knows. */
  averagePrecision: AveragePrecision;
  /** AP with all classes as one: the quality of the boxes, whatever their class; −1 without objects. */
  anyClass: () => number;
  /** How many it is the judgement of. */
  images: number;
}

/** On what a model is judged. */
export interface JudgeOptions {
  source: ImageSource;
  /** Images of the sample. */
  count: number;
  /** Of the model's input. */
  width: number;
  height: number;
  /** Told of the times that the model has run. */
  onProgress?: (done: number, of: number) => void;
}

/** A mapping on trial. */
interface Trial {
  mapping: OnnxMapping;
  detections: Detection[];
  /** Ids of the images that it has seen. */
  seen: Set<number>;
  fault: InputError | null;
}

/** A kind of input is tried on all images if a quarter of them gives at least this fraction of the best average precision. */
const PROMISING = 0.5;

/**
 * Average precision of a model under several mappings that name the same tensors, on a sample of images, on the host. Images are
 * decoded once, and the model runs once for every input that differs; inputs that come to nothing on a quarter of the images are
 * left at that.
 * @returns a judgement for each mapping, or why the model's outputs are refused under it
 */
export async function judge(
  net: Pick<OnnxNet, 'compute'>,
  mappings: readonly OnnxMapping[],
  { source, count, width, height, onProgress }: JudgeOptions,
): Promise<(Judgement | InputError)[]> {
  const sample = sampleOf(source, count);
  const options = { batch: Math.min(BATCH, sample.length), width, height };
  const loader = new Loader(sample, { ...options, seed: 0, augment: false, shuffle: false, dropLast: false });
  const truth = await groundTruthOf(source);
  const classes = source.classes.map(({ name }) => name);
  const known = mapClasses(mappings[0], classes);
  const categories = source.classes.filter((_, i) => known[i] !== null);
  const trials = mappings.map((mapping): Trial => ({ mapping, detections: [], seen: new Set(), fault: null }));
  let inputs = grouped(trials, ({ mapping }) => inputKey(mapping.input));
  let judgements: (Judgement | InputError)[] = [];
  let done = 0;
  const quarter = inputs.length > 1 ? Math.ceil(loader.steps / 4) : loader.steps;
  for (const [from, to] of [
    [0, quarter],
    [quarter, loader.steps],
  ]) {
    const ahead = inputs.length * Math.max(0, Math.min(to * options.batch, sample.length) - from * options.batch);
    const of = done + ahead;
    for (const ofInput of inputs) {
      const { input } = ofInput[0].mapping;
      const byOutput = grouped(ofInput, ({ mapping }) => JSON.stringify([mapping.tensors, mapping.scores]));
      let step = from;
      for await (const batch of loader.batches(0, from)) {
        if (step++ === to) break;
        const images = batch.ids.length;
        const pixels = batch.images.subarray(0, 3 * width * height * images);
        const chunks = await net.compute(pixels, images, input);
        for (const group of byOutput) addBatch(group, chunks, batch, { source, truth, width, height });
        done += images;
        onProgress?.(done, of);
      }
    }
    const running = inputs.flat();
    judgements = trials.map((trial, i) =>
      running.includes(trial) ? (trial.fault ?? judgementOf(trial, truth, categories)) : judgements[i],
    );
    const highest = (of: readonly Trial[]) => Math.max(...of.map((trial) => apOf(judgements[trials.indexOf(trial)])));
    const best = highest(trials);
    inputs = inputs.filter((ofInput) => highest(ofInput) >= PROMISING * best);
  }
  return judgements;
}

/** An evenly spaced sample of the images; among these every fourth comes first. */
function sampleOf(source: ImageSource, count: number): ImageSource {
  const length = Math.min(count, source.length);
  const positions = Array.from({ length }, (_, i) => i).sort((a, b) => (a % 4) - (b % 4) || a - b);
  return {
    length,
    classes: source.classes,
    load: (index) => source.load(Math.floor((positions[index] * source.length) / length)),
  };
}

/** Adds a batch's outputs, for mappings that read the same tensors in the same way. */
function addBatch(
  group: readonly Trial[],
  chunks: readonly Chunk[],
  batch: Batch,
  { source, truth, width, height }: { source: ImageSource; truth: GroundTruth; width: number; height: number },
): void {
  const alive = group.filter(({ fault }) => fault === null);
  if (alive.length === 0) return;
  const { ids, scales } = batch;
  const names = source.classes.map(({ name }) => name);
  const sizes = new Map(truth.images.filter(({ id }) => ids.includes(id)).map((image) => [image.id, image]));
  let outputs: ModelOutputs;
  try {
    outputs = new Placement(alive[0].mapping, names, { width, height }).fill(chunks, ids.length, ids);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    for (const trial of alive) trial.fault = error;
    return;
  }
  for (const { mapping, detections, seen } of alive) {
    const host = hostOutputs(outputs, mapping, { width, height, images: ids.length, classes: names.length });
    for (const [i, id] of ids.entries()) {
      const found = chooseDetections(host, i, fittedSize(batch, i, sizes) ?? { width, height }, {});
      detections.push(...toDetections(found, id, scales[i], source));
      seen.add(id);
    }
  }
}

function judgementOf(
  { detections, seen }: Trial,
  truth: GroundTruth,
  categories: GroundTruth['categories'],
): Judgement {
  const ids = new Set(categories.map(({ id }) => id));
  const images = truth.images.filter(({ id }) => seen.has(id));
  const annotations = [...truth.annotations].filter((one) => seen.has(one.image_id) && ids.has(one.category_id));
  const asOne = <T extends { category_id: number }>(all: readonly T[]) =>
    all.map((one) => ({ ...one, category_id: 0 }));
  const whole = { images, categories: [{ id: 0, name: 'any' }], annotations: asOne(annotations) };
  return {
    averagePrecision: averagePrecision({ images, categories, annotations }, detections),
    anyClass: () => averagePrecision(whole, asOne(detections)).stats[0],
    images: seen.size,
  };
}

function apOf(judgement: Judgement | InputError): number {
  return judgement instanceof InputError ? -1 : judgement.averagePrecision.stats[0];
}

/** A model's outputs as detections are chosen from: its boxes are distances from the mapping's centre of a cell. */
export function hostOutputs(
  { classLogits, boxLogits }: ModelOutputs,
  { bins, strides, centreOffset }: OnnxMapping,
  { width, height, images, classes }: { width: number; height: number; images: number; classes: number },
) {
  let start = 0;
  const levels = makeGrid({ imageSize: { width, height }, strides }).levels.map((size): Level => {
    const level = { ...size, start, offset: images * classes * start };
    start += size.height * size.width;
    return level;
  });
  const boxAt = (level: Level, image: number, index: number) => {
    const area = level.height * level.width;
    const first = 4 * bins * (images * level.start + image * area) + index;
    const [left, top, right, bottom] = [0, 1, 2, 3].map((edge) =>
      expectation(boxLogits, first + edge * bins * area, area, bins),
    );
    const stride = strides[levels.indexOf(level)];
    const [x, y] = [(index % level.width) + centreOffset, Math.floor(index / level.width) + centreOffset];
    return [x - left, y - top, x + right, y + bottom].map((cells) => cells * stride);
  };
  return { logits: classLogits, maps: { channels: classes, levels }, strides, boxAt };
}

/** Σ k softmax(logits)_k over the bins of an edge, `step` apart. */
function expectation(logits: Float32Array, first: number, step: number, bins: number): number {
  let highest = -Infinity;
  for (let k = 0; k < bins; k++) highest = Math.max(highest, logits[first + k * step]);
  let [sum, weighted] = [0, 0];
  for (let k = 0; k < bins; k++) {
    const power = Math.exp(logits[first + k * step] - highest);
    sum += power;
    weighted += k * power;
  }
  return weighted / sum;
}

function grouped<T>(all: readonly T[], keyOf: (one: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const one of all) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one]);
  return [...groups.values()];
}
