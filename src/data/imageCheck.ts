import { counted, few } from '../util/counts.js';
import { mapInParallel } from '../util/parallel.js';
import {
  decodeImage,
  ImageError,
  type ImageHeader,
  orientationOf,
  readHeader,
  type Size,
  sizeFault,
} from './images.js';

/** Images that are decoded to see whether they are dark: of those of 8 bits, and of deeper ones. */
const SAMPLE = { shallow: 16, deep: 64 };
/** The brightest value of a dark image: a hundredth of the range … */
const DARK = 2;
/** … and of a deep one an eighth: 12 bits in 16 reach a sixteenth. */
const DARK_DEEP = 31;
/** If this share of a deep image's values is the largest possible, the range was cut off. */
const WHITE = 0.9;
/** Decodings at once: a large image takes a hundred MB. */
const DECODED_AT_ONCE = 4;

/** What a look at the image files found. */
export interface ImageCheck {
  /** What is wrong, by position of the entry; the known ones first. */
  faults: Map<number, string>;
  /** Entries whose file's EXIF orientation is to be applied although its size does not tell. */
  upright: Set<number>;
  /** One line each, with counts. */
  notices: string[];
}

/** Where and how closely to look. */
export interface CheckOptions {
  /** Faults that are known already, by position of the entry: these files are not looked at. */
  known: ReadonlyMap<number, string>;
  /** Decodes every image; else headers and a sample are looked at. */
  decodeAll: boolean;
  /** Told of the files done. */
  onProgress?: (done: number, of: number) => void;
}

/**
 * Checks all image files before they are needed: can they be read, and do they have the sizes in their entries?
 * @param paths of the entries; several may have the same
 */
export async function checkImages(
  paths: readonly string[],
  entries: readonly Size[],
  { known, decodeAll, onProgress }: CheckOptions,
): Promise<ImageCheck> {
  const headers = await readHeaders(
    paths.filter((_, index) => !known.has(index)),
    onProgress,
  );
  const faults = new Map(known);
  const fitting: number[] = [];
  const turned = { stored: [] as number[], upright: [] as number[], either: [] as number[] };
  for (const [index, path] of paths.entries()) {
    const header = headers.get(path);
    if (header === undefined || faults.has(index)) continue;
    const orientation = typeof header === 'string' ? null : orientationOf(header, entries[index]);
    if (typeof header === 'string') faults.set(index, header);
    else if (orientation === null) faults.set(index, `image ${path} ${sizeFault(header, entries[index])}`);
    else {
      fitting.push(index);
      if (header.orientation !== 1) turned[orientation].push(index);
    }
  }
  // If the size does not tell, the other images decide, if they agree.
  const upright = new Set(turned.upright.length > turned.stored.length ? turned.either : []);
  const isDeep = (index: number) => (headers.get(paths[index]) as ImageHeader).isDeep;
  const isWhole = (index: number) => (headers.get(paths[index]) as ImageHeader).isWhole;
  // If the end of a file seems to be missing, only decoding shows whether it is.
  const looked = decodeAll
    ? fitting
    : [
        ...fitting.filter((index) => !isWhole(index)),
        ...spread(
          fitting.filter((index) => !isDeep(index)),
          SAMPLE.shallow,
        ),
        ...spread(fitting.filter(isDeep), SAMPLE.deep),
      ];
  let done = 0;
  const files = new Map(looked.map((index) => [paths[index], index]));
  const decoded = await mapInParallel(
    [...files],
    async ([path, index]) => {
      const expected = { ...entries[index], isUpright: upright.has(index) };
      const range = await decodeImage(path, expected).then(({ pixels }) => rangeOf(pixels), faultOf);
      if (decodeAll) onProgress?.(++done, files.size);
      return { path, isDeep: isDeep(index), range };
    },
    DECODED_AT_ONCE,
  );
  const broken = new Map(
    decoded.flatMap(({ path, range }) => (typeof range === 'string' ? [[path, range] as const] : [])),
  );
  for (const index of broken.size > 0 ? fitting : []) {
    const fault = broken.get(paths[index]);
    if (fault !== undefined) faults.set(index, fault);
  }
  const ranges = decoded.flatMap(({ range, ...file }) => (typeof range === 'string' ? [] : [{ ...file, ...range }]));
  return {
    faults,
    upright,
    notices: [...exifNotices(turned, upright.size > 0, paths), ...rangeNotices(ranges)],
  };
}

/** What each file says, or what is wrong with it. */
async function readHeaders(paths: readonly string[], onProgress: CheckOptions['onProgress']) {
  const files = [...new Set(paths)];
  const headers = new Map<string, ImageHeader | string>();
  await mapInParallel(files, async (file) => {
    headers.set(file, await readHeader(file).catch(faultOf));
    onProgress?.(headers.size, files.length);
  });
  return headers;
}

function exifNotices(
  { stored, upright, either }: Record<'stored' | 'upright' | 'either', number[]>,
  isApplied: boolean,
  paths: readonly string[],
): string[] {
  const notices: string[] = [];
  const number = (count: number) => count.toLocaleString('en');
  const tell = (list: readonly number[], text: string) => {
    const example = list.length > 0 ? paths[list[0]] : '';
    if (list.length > 0)
      notices.push(`${number(list.length)} of ${number(paths.length)} images ${text} (such as ${example})`);
  };
  tell(upright, 'are turned upright by their EXIF orientation: their entries have the size of the upright picture');
  tell(stored, 'have an EXIF orientation that is not applied: their entries have the size of the stored pixels');
  const taken = isApplied
    ? 'the upright picture, as the others’'
    : 'the stored pixels; write the files upright if they are not';
  tell(
    either,
    `have an EXIF orientation that their size does not show (half turn, mirror, square): boxes are taken for those of ${taken}`,
  );
  return notices;
}

/** The brightest value, and the share of values that are the largest possible. */
function rangeOf(pixels: Uint8Array): { brightest: number; white: number } {
  let brightest = 0;
  let white = 0;
  for (const value of pixels) {
    if (value > brightest) brightest = value;
    if (value === 255) white++;
  }
  return { brightest, white: white / pixels.length };
}

interface Looked {
  path: string;
  isDeep: boolean;
  brightest: number;
  white: number;
}

function rangeNotices(looked: readonly Looked[]): string[] {
  const notices: string[] = [];
  const tell = (list: readonly Looked[], of: readonly Looked[], text: string) => {
    if (list.length === 0) return;
    const [{ path, brightest }] = list;
    notices.push(
      `${list.length} of ${of.length} images looked at ${text} (such as ${path}: brightest value ${brightest} of 255)`,
    );
  };
  const [deep, shallow] = [looked.filter(({ isDeep }) => isDeep), looked.filter(({ isDeep }) => !isDeep)];
  tell(
    shallow.filter(({ brightest }) => brightest <= DARK),
    shallow,
    'are black: no value reaches a hundredth of the range; are they masks?',
  );
  tell(
    deep.filter(({ brightest }) => brightest <= DARK_DEEP),
    deep,
    'have more than 8 bits and use an eighth of the range at most (12 bits in 16, or 0 … 1 in floats?); write them with values of the whole range',
  );
  tell(
    deep.filter(({ white }) => white >= WHITE),
    deep,
    'have more than 8 bits and are nearly all white: their values lie beyond the range of their format',
  );
  return notices;
}

/** So many of a list, evenly spread. */
function spread(list: readonly number[], most: number): number[] {
  if (list.length <= most) return [...list];
  return Array.from({ length: most }, (_, i) => list[Math.floor((i * list.length) / most)]);
}

/** The message of a fault that is the file's; others go on. */
function faultOf(error: unknown): string {
  if (error instanceof ImageError) return error.what;
  throw error;
}

/** What to say of all faults together. */
export function describeFaults(faults: ReadonlyMap<number, string>, of: number): string {
  const count = faults.size.toLocaleString('en');
  return `${count} of ${counted(of, 'image')} cannot be used: ${few([...new Set(faults.values())])}`;
}
