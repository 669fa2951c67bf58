import { parseCoco } from '../data/coco.js';
import type { CocoImage } from '../data/cocoDataset.js';
import { fitSample, pixelsOf } from '../data/fit.js';
import { parseJson } from '../data/json.js';
import { shapesDataset } from '../data/shapes.js';
import type { ImageSource, Sample } from '../data/source.js';
import { InputError } from '../util/error.js';
import { matchPaths } from './matchPaths.js';
import type { DroppedFile } from './protocol.js';

/** Pixels a side of the network's input: small enough that a step takes a blink on a processor too. */
export const SIDE = 96;
/** Generated images to learn from, and others to measure on. */
const SHAPES = { train: { count: 1536, seed: 11 }, validation: { count: 32, seed: 12 } };
/** Of dropped images, one in so many is kept for measuring … */
const KEPT = 5;
/** … where there are at least this many. */
const FEWEST = 20;

export interface Images {
  train: ImageSource;
  validation: ImageSource;
  sameImages: boolean;
}

export function shapes(): Images {
  const source = (options: { count: number; seed: number }) =>
    remembered(shapesDataset({ ...options, width: SIDE, height: SIDE }));
  return { train: source(SHAPES.train), validation: source(SHAPES.validation), sameImages: false };
}

/**
 * Images that a visitor dropped, with one COCO annotation file. They are decoded when they are needed, and stay in the browser.
 * @throws InputError when there is not exactly one JSON file, it is wrong, or it names none of the images
 */
export async function dropped(files: readonly DroppedFile[]): Promise<Images> {
  const annotations = files.filter(({ path }) => /\.json$/i.test(path));
  if (annotations.length !== 1) {
    throw new InputError(
      `${annotations.length} of the ${files.length} files are JSON; drop images together with one COCO annotation file.`,
    );
  }
  const [{ file }] = annotations;
  const { classes, images, boxFault } = parseCoco(parseJson(await file.text(), file.name), file.name);
  if (boxFault !== null) throw new InputError(`${file.name}: ${boxFault}`);
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
      `${file.name} annotates objects in ${images.length} images, ${images[0].fileName} for one; none of them is among the dropped files.`,
    );
  }
  const load = async (index: number): Promise<Sample> => {
    const { own, image } = found[index];
    const { id, width, height, boxes, labels, ignore } = image;
    const bitmap = await decode(own, image, file.name);
    const whole = { pixels: pixelsOf(bitmap), width, height, boxes, labels, ignore, id };
    return (await fitSample(whole, SIDE, SIDE)).sample;
  };
  const all = found.map((_, index) => index);
  const pick = (indices: number[]): ImageSource =>
    remembered({ length: indices.length, classes, load: (index) => load(indices[index]) });
  if (found.length < FEWEST) return { train: pick(all), validation: pick(all), sameImages: true };
  return {
    train: pick(all.filter((index) => index % KEPT !== 0)),
    validation: pick(all.filter((index) => index % KEPT === 0)),
    sameImages: false,
  };
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

/** Makes each sample once: 28 KB each. */
function remembered(source: ImageSource): ImageSource {
  const samples = new Map<number, Promise<Sample>>();
  const load = (index: number) => {
    const sample = samples.get(index) ?? source.load(index);
    samples.set(index, sample);
    return sample;
  };
  return { length: source.length, classes: source.classes, load };
}
