import { Variable } from '../autograd/variable.js';
import { assertSameClasses } from '../data/classes.js';
import type { CocoFolder } from '../data/folder.js';
import type { GroundTruth } from '../data/groundTruth.js';
import { type Batch, Loader } from '../data/loader.js';
import { toCoco } from '../data/shapes.js';
import type { ImageSource } from '../data/source.js';
import type { Detections } from '../detector/choose.js';
import { decode } from '../detector/decode.js';
import type { HeadLogits } from '../detector/head.js';
import type { DetectionNet, NetConfig } from '../detector/net.js';
import { type AveragePrecision, averagePrecision, STATISTICS } from '../eval/averagePrecision.js';
import type { Detection } from '../eval/detections.js';
import { type EdgeCalibration, type EdgeSpread, edgeCalibration } from '../eval/edgeCalibration.js';
import { edgeSpread } from '../eval/edgeSpread.js';
import type { Recipe } from '../losses/recipe.js';
import { Pyramid } from '../tensor/pyramid.js';
import { type Agreement, AgreementMeter } from './agreement.js';
import { assertComparable, formOf, teacherHeadOf } from './comparable.js';
import { assertOutputsFit, compileOutputs } from './fits.js';
import { recipeOfNet } from './netRecipe.js';
import { computing, type Teacher, type TeacherStep, teacherOf } from './teacher.js';

/** What a detector is evaluated on, and compared with. */
export interface EvaluateOptions {
  /** The images, each seen once. */
  source: ImageSource;
  /** Images at a time; default 8. */
  batch?: number;
  /**
   * What the net was trained with: the meaning of its bins. Default: its own where it says so, else `gfocal`. An ONNX model's cells are measured
   * from where its mapping says, whatever the recipe.
   */
  recipe?: Pick<Recipe, 'box' | 'regions'>;
  /** Measures how far the detector is from it, too; it must have the detector's size and classes. */
  teacher?: DetectionNet | Teacher;
  /** Folder in which the teacher's outputs are kept as half floats; see `TeacherCache`. In Node only. */
  teacherCache?: string;
  /** Told of files of the cache that cannot be used. */
  onWarning?: (message: string) => void;
  /** Told of the kernels that are compiled before the first batch; not where the device has them. */
  onCompile?: (done: number, of: number) => void;
  /** Called after each batch. */
  onProgress?: (done: number, of: number) => void;
  /** Stops after the batch under way: `evaluate` then returns null. */
  signal?: AbortSignal;
}

/** What `evaluate` finds. */
export interface Evaluation {
  /** COCO's figures. */
  averagePrecision: AveragePrecision;
  /** In pixels of the original images. */
  detections: Detection[];
  /** What the detections were compared with. */
  truth: GroundTruth;
  /** How far the detector is from its teacher; null without one. */
  agreement: Agreement | null;
  /** Of `ltrb` boxes; no edges where the bins mean offsets from an anchor. */
  calibration: EdgeCalibration;
  /** The net, suppression and, where there is one, the teacher; decoded images are read ahead. */
  imagesPerSecond: number;
}

/**
 * Runs a net over every image of a source and compares what it finds with the annotations.
 * @param net a detector or an ONNX model that learned, or another teacher, such as an `OnnxTeacher`
 * @returns null when it was aborted
 * @throws InputError when the classes are not the net's (their number, where it has no names), net and teacher are not comparable, the batch
 *   is too large for the device, an image cannot be read, or the recipe's boxes are not distances and the net is an ONNX model
 */
export async function evaluate(net: DetectionNet | Teacher, options: EvaluateOptions): Promise<Evaluation | null> {
  const { source, batch = 8, teacherCache, onWarning, onProgress, signal } = options;
  const own = teacherOf(net);
  const { config, device } = own;
  assertSameClasses(
    { owner: 'the net', classes: own.classes ?? config.classes },
    { owner: 'the data', classes: source.classes },
    'Give data with the classes that it was trained on.',
  );
  const named = options.recipe ?? own.recipe;
  const recipe = own.net && named ? recipeOfNet(own.net, named) : named;
  const teacher = options.teacher && teacherOf(options.teacher);
  if (teacher) {
    const meaning = recipe && { box: recipe.box, regions: recipe.regions };
    const form = formOf('the net', own);
    assertComparable({ ...form, ...(meaning && { recipe: meaning }) }, formOf('the teacher', teacher));
  }
  assertOutputsFit('the net', own, batch);
  if (teacher) assertOutputsFit('the teacher', teacher, batch);
  for (const each of teacher ? [own, teacher] : [own]) {
    await compileOutputs(each, batch, (done, of) => options.onCompile?.(done, of));
  }
  const { width, height } = config;
  const loader = new Loader(source, { batch, height, width, seed: 0, augment: false, shuffle: false, dropLast: false });
  const truth = await groundTruthOf(source);
  const sizes = new Map(truth.images.map((image) => [image.id, image]));
  const centreOffset = recipe?.regions.centreOffset ?? 0;
  const meter = teacher ? new AgreementMeter(config, { centreOffset, teacher: teacherHeadOf(teacher) }) : null;
  const detections: Detection[] = [];
  const spreads: EdgeSpread[] = [];
  const hasDistances = recipe?.box.parameters !== 'offset';
  const started = performance.now();
  const cache =
    // Browser bundles are built without `process`: they leave this branch and its files out.
    typeof process !== 'undefined' && teacher && teacherCache !== undefined
      ? await (await import('./teacherCache.js')).TeacherCache.open(teacherCache, teacher, loader, {
          features: false,
          warn: (text) => onWarning?.(text),
        })
      : null;
  const computed = teacher ? computing(teacher) : null;
  const teacherBatches = cache ? await cache.epoch(0) : computed;
  let done = 0;
  try {
    for await (const images of loader.batches(0)) {
      const ownStep = await own.prepare(images);
      const step = await teacherBatches?.step(images);
      const pixels = device.tensor(images.images);
      const input = Pyramid.of(pixels, batch, 3, [{ width, height }]);
      const outputs = logitsOf(ownStep, input);
      const teacherOutputs = step && logitsOf(step, input);
      try {
        const [found, deviations] = await Promise.all([
          decode(outputs, config, {
            imageSizes: Array.from({ length: batch }, (_, i) => fittedSize(images, i, sizes) ?? { width, height }),
            ...(recipe && { recipe }),
          }),
          readSpread(outputs.boxLogits.value),
        ]);
        for (const [i, id] of images.ids.entries()) {
          detections.push(...toDetections(found[i], id, images.scales[i], source));
          if (hasDistances) spreads.push(...spreadsOf(found[i], i, images.scales[i], outputs, config, deviations));
        }
        if (teacherOutputs && meter) await meter.add(outputs, teacherOutputs, images.ids.length);
      } finally {
        for (const { value } of [...Object.values(outputs), ...Object.values(teacherOutputs ?? {})]) value.dispose();
        pixels.dispose();
      }
      done += images.ids.length;
      onProgress?.(done, source.length);
      if (signal?.aborted) return null;
    }
  } finally {
    await teacherBatches?.close();
  }
  const imagesPerSecond = done / ((performance.now() - started) / 1000);
  const figures = averagePrecision(truth, detections);
  return {
    averagePrecision: figures,
    detections,
    truth,
    agreement: meter?.result() ?? null,
    calibration: edgeCalibration(truth, hasDistances ? detections : [], spreads),
    imagesPerSecond,
  };
}

/** [batch · locations, 4] standard deviations of the edges. */
async function readSpread(boxLogits: Pyramid) {
  const spread = edgeSpread(boxLogits);
  const values = await spread.read();
  spread.dispose();
  return values;
}

/** The spreads of an image's detections, by location. */
function spreadsOf(
  { locations }: Detections,
  image: number,
  scale: number,
  { boxLogits }: HeadLogits,
  { strides }: Pick<NetConfig, 'strides'>,
  deviations: ArrayLike<number>,
): EdgeSpread[] {
  const { batch, levels } = boxLogits.value;
  return Array.from(locations, (location) => {
    const level = levels.filter(({ start }) => start <= location).length - 1;
    const { start, height, width } = levels[level];
    const row = 4 * (batch * start + image * height * width + location - start);
    return {
      deviations: [0, 1, 2, 3].map((edge) => deviations[row + edge]),
      stride: strides[level] / scale,
    };
  });
}

/** The twelve COCO figures by name. */
export function namedStatistics({ stats }: AveragePrecision): Record<string, number> {
  return Object.fromEntries(STATISTICS.map((name, i) => [name, stats[i]]));
}

/** The caller disposes it. */
function logitsOf(step: TeacherStep, images: Pyramid): HeadLogits {
  step.begin();
  const { classLogits, boxLogits, features } = step.outputs(images);
  features?.dispose();
  step.end();
  return { classLogits: new Variable(classLogits), boxLogits: new Variable(boxLogits) };
}

/** The annotations of a source: those of its file, crowds and empty boxes included, or those it generates. */
export async function groundTruthOf(source: ImageSource): Promise<GroundTruth> {
  return 'dataset' in source ? (source as CocoFolder).dataset.truth : toCoco(source);
}

/** The part of the network's input that an image fills; undefined for what only fills the batch. */
export function fittedSize({ ids, scales }: Batch, i: number, sizes: Map<number, { width: number; height: number }>) {
  const size = sizes.get(ids[i]);
  return size && { width: size.width * scales[i], height: size.height * scales[i] };
}

/** An image's detections in pixels of the original. */
export function toDetections(
  found: Detections,
  image_id: number,
  scale: number,
  { classes }: ImageSource,
): Detection[] {
  return Array.from(found.scores, (score, i) => {
    const [x1, y1, x2, y2] = Array.from(found.boxes.subarray(4 * i, 4 * i + 4), (value) => value / scale);
    const category_id = classes[found.labels[i]].id;
    return { image_id, category_id, bbox: [x1, y1, x2 - x1, y2 - y1], score };
  });
}
