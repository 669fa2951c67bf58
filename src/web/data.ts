import { parseCoco } from '../data/coco.js';
import { fitSample, pixelsOf } from '../data/fit.js';
import { jsonErrorOffset } from '../data/json.js';
import { shapesDataset } from '../data/shapes.js';
import type { ImageSource, Sample } from '../data/source.js';
import { InputError } from '../util/error.js';

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
export async function dropped(files: readonly File[]): Promise<Images> {
  const annotations = files.filter(({ name }) => /\.json$/i.test(name));
  if (annotations.length !== 1) {
    throw new InputError(
      `${annotations.length} of the ${files.length} files are JSON; drop images together with one COCO annotation file.`,
    );
  }
  const [file] = annotations;
  const text = await file.text();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new InputError(`${file.name} is not JSON from character ${jsonErrorOffset(text)} on.`);
  }
  const { classes, images } = parseCoco(json, file.name);
  const byName = new Map(files.map((each) => [each.name, each]));
  const found = images.flatMap((image) => {
    const own = byName.get(image.fileName.split('/').at(-1) ?? '');
    return own && image.labels.length > 0 ? [{ ...image, file: own }] : [];
  });
  if (found.length === 0) {
    throw new InputError(
      `${file.name} annotates objects in ${images.length} images, ${images[0].fileName} for one; none of them is among the dropped files.`,
    );
  }
  const load = async (index: number): Promise<Sample> => {
    const { file: own, id, width, height, boxes, labels, ignore } = found[index];
    let bitmap: ImageBitmap;
    try {
      bitmap = await createImageBitmap(own, { imageOrientation: 'none' });
    } catch {
      throw new InputError(`${own.name} cannot be decoded; is it an image that this browser shows?`);
    }
    if (bitmap.width !== width || bitmap.height !== height) {
      throw new InputError(
        `${own.name} is ${bitmap.width}×${bitmap.height} pixels; ${file.name} says ${width}×${height}.`,
      );
    }
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
