import { assertSameClasses } from '../data/classes.js';
import { parseCoco } from '../data/coco.js';
import type { CocoImage } from '../data/cocoDataset.js';
import { fitSample, pixelsOf } from '../data/fit.js';
import { parseJson } from '../data/json.js';
import { shapesDataset } from '../data/shapes.js';
import type { ImageSource, Sample } from '../data/source.js';
import { InputError } from '../util/error.js';
import { matchPaths } from './matchPaths.js';
import type { DroppedFile } from './protocol.js';

/** Pixels. */
export interface Size {
  width: number;
  height: number;
}

/** Of the input of the page's own networks: small enough that a step takes a blink on a processor too. */
export const OWN_SIZE: Size = { width: 96, height: 96 };
/** Generated images to learn from, and others to measure on. */
const SHAPES = { train: { count: 1536, seed: 11 }, validation: { count: 32, seed: 12 } };
/** Of dropped images, one in so many is kept for measuring … */
const KEPT = 5;
/** … where there are at least this many. */
const FEWEST = 20;

/** The splits of a COCO folder; other files, such as test.json, are left alone beside them. */
const SPLITS = [/^(instances_)?train(\d{4})?\.json$/i, /^(instances_)?val(\d{4})?\.json$/i];
/** Decoded images of a source are kept up to so many bytes; the others are decoded whenever they are needed. */
const KEPT_BYTES = 2 ** 28;

export interface Images {
  train: ImageSource;
  validation: ImageSource;
  sameImages: boolean;
}

export function shapes(): Images {
  const source = (options: { count: number; seed: number }) => remembered(shapesDataset({ ...options, ...OWN_SIZE }));
  return { train: source(SHAPES.train), validation: source(SHAPES.validation), sameImages: false };
}

/**
 * Images that a visitor dropped, with one COCO annotation file, or with those of train and val. They are decoded when they are needed, and
 * stay in the browser.
 * @param size of the network's input
 * @throws InputError when it is not clear which JSON file annotates them, it is wrong, or it names none of the images
 */
export async function dropped(files: readonly DroppedFile[], size: Size): Promise<Images> {
  const [annotations, others] = annotationsOf(files);
  const all = await annotated(annotations, files, size);
  if (others) {
    const names = all.classes.map(({ name }) => name);
    const validation = await annotated(others, files, size, names);
    const [own, kept] = [annotations, others].map(({ name }) => name);
    const remedy = 'Give the annotations of both the same categories with the same ids.';
    assertSameClasses({ owner: own, classes: all.classes }, { owner: kept, classes: validation.classes }, remedy);
    return { train: remembered(all), validation: remembered(validation), sameImages: false };
  }
  const pick = (isPicked: (index: number) => boolean): ImageSource => {
    const indices = Array.from({ length: all.length }, (_, index) => index).filter(isPicked);
    return remembered({ length: indices.length, classes: all.classes, load: (index) => all.load(indices[index]) });
  };
  if (all.length < FEWEST) return { train: pick(() => true), validation: pick(() => true), sameImages: true };
  return {
    train: pick((index) => index % KEPT !== 0),
    validation: pick((index) => index % KEPT === 0),
    sameImages: false,
  };
}

/** The only JSON file, or those of train and val. */
function annotationsOf(files: readonly DroppedFile[]): File[] {
  const found = files.filter(({ path }) => /\.json$/i.test(path)).map(({ file }) => file);
  if (found.length === 1) return found;
  const splits = SPLITS.map((name) => found.filter((file) => name.test(file.name)));
  if (splits.every(({ length }) => length === 1)) return splits.flat();
  throw new InputError(
    `${found.length} of the ${files.length} files are JSON; drop images together with one COCO annotation file, or with train.json and val.json.`,
  );
}

/** @param names of classes that another split has */
async function annotated(
  annotations: File,
  files: readonly DroppedFile[],
  size: Size,
  names: readonly string[] = [],
): Promise<ImageSource> {
  const { name } = annotations;
  const { classes, images, boxFault } = parseCoco(parseJson(await annotations.text(), name), name, { classes: names });
  if (boxFault !== null) throw new InputError(`${name}: ${boxFault}`);
  const matched = matchPaths(
    images.map(({ fileName }) => fileName),
    files.map(({ path }) => path),
  );
  const found = images.flatMap((image, i) => {
    const own = files[matched[i]]?.file;
    return own && image.labels.length > 0 ? [{ image, own }] : [];
  });
  if (found.length === 0) {
    throw new InputError(
      `${name} annotates objects in ${images.length} images, ${images[0].fileName} for one; none of them is among the dropped files.`,
    );
  }
  const load = async (index: number): Promise<Sample> => {
    const { own, image } = found[index];
    const { id, width, height, boxes, labels, ignore } = image;
    const bitmap = await decode(own, image, name);
    const whole = { pixels: pixelsOf(bitmap), width, height, boxes, labels, ignore, id };
    return (await fitSample(whole, size.height, size.width)).sample;
  };
  return { length: found.length, classes, load };
}

/** Decodes a file; a rotation noted in EXIF is applied where the annotated size is that of the upright picture. */
async function decode(own: File, { width, height }: CocoImage, annotations: string): Promise<ImageBitmap> {
  let found = '';
  for (const imageOrientation of ['none', 'from-image'] as const) {
    const bitmap = await createImageBitmap(own, { imageOrientation }).catch(() => {
      throw new InputError(`${own.name} cannot be decoded; is it an image that this browser shows?`);
    });
    if (bitmap.width === width && bitmap.height === height) return bitmap;
    found ||= `${bitmap.width}×${bitmap.height}`;
    bitmap.close();
  }
  throw new InputError(`${own.name} is ${found} pixels; ${annotations} says ${width}×${height}.`);
}

/** Makes each sample once, as far as there is room. */
function remembered(source: ImageSource): ImageSource {
  const samples = new Map<number, Sample>();
  let bytes = 0;
  const load = async (index: number) => {
    const sample = samples.get(index) ?? (await source.load(index));
    if (!samples.has(index) && bytes + sample.pixels.length <= KEPT_BYTES) {
      samples.set(index, sample);
      bytes += sample.pixels.length;
    }
    return sample;
  };
  return { length: source.length, classes: source.classes, load };
}
