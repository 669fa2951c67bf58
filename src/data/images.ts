import { open, readFile } from 'node:fs/promises';
import { InputError } from '../util/error.js';
import { loadSharp } from '../util/sharp.js';
import { imageFormat, READ_FORMATS } from './imageFormat.js';
import type { Sample } from './source.js';

/** As much as is decoded: 16,384 × 16,384. */
const LARGEST_PIXELS = 2 ** 28;
/** Bytes of a file that are read to learn its size; all of it if these are not enough. */
const HEAD_BYTES = 1 << 16;
/** Of a file's end, which tell whether it is whole. */
const TAIL_BYTES = 1 << 12;

/** A file that cannot be used as an image. The remedy is kept apart, so that it is given once for many files. */
export class ImageError extends InputError {
  readonly what: string;

  /** @param what is wrong, with the name of the file */
  constructor(what: string, remedy: string) {
    super(`${what}; ${remedy}`);
    this.what = what;
  }
}

const REPLACE = 'replace it, or leave it out (--skip-broken-images)';

/** The size of an image, in pixels. */
export interface Size {
  width: number;
  height: number;
}

/** What is known of an image without decoding it. */
export interface ImageHeader extends Size {
  /** EXIF's: 1 upright, 2 to 8 turned or mirrored; from 5 on width and height change places. */
  orientation: number;
  /** More than 8 bits a value. */
  isDeep: boolean;
  /** False where the end of the file seems to be missing. */
  isWhole: boolean;
}

/** What an image has to be like. */
export interface Placement extends Size {
  /** Where its size does not tell: whether the boxes are those of the upright picture. */
  isUpright?: boolean;
}

/**
 * Decodes an image file (JPEG, PNG, WebP, AVIF, TIFF, GIF) to red, green, blue bytes, [height, width, 3]. A rotation noted in
 * EXIF is applied where the expected size is that of the upright picture: COCO's boxes refer to one or the other.
 * @param expected looked at before anything is decoded; without it the pixels are given as they are stored
 * @throws {InputError} the file is missing, cut short, corrupt, of another format, too large, or not of the expected size
 */
export async function decodeImage(
  file: string,
  expected?: Placement,
): Promise<Pick<Sample, 'pixels' | 'width' | 'height'>> {
  const bytes = await readFile(file).catch((error) => {
    throw unreadable(file, error);
  });
  assertFormat(file, bytes);
  const header = await headerOf(file, bytes);
  const orientation = expected ? orientationOf(header, expected) : 'stored';
  if (orientation === null && expected)
    throw new ImageError(`image ${file} ${sizeFault(header, expected)}`, 'correct one of them');
  const sharp = await loadSharp();
  try {
    // 'warning' is sharp's strictest level: libjpeg reports lost data inside the file as a warning only.
    const image = sharp(bytes, { failOn: 'warning', limitInputPixels: LARGEST_PIXELS });
    const isUpright = orientation === 'upright' || (orientation === 'either' && expected?.isUpright === true);
    const { data, info } = await (isUpright ? image.autoOrient() : image)
      .toColourspace('srgb')
      .removeAlpha()
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return { pixels: data, width: info.width, height: info.height };
  } catch (error) {
    throw undecodable(file, error);
  }
}

/**
 * Reads what an image's first bytes say.
 * @throws {InputError} the file is missing, of another format, corrupt, or too large to be decoded
 */
export async function readHeader(file: string): Promise<ImageHeader> {
  const { head, tail, isAll } = await readEnds(file).catch((error) => {
    throw unreadable(file, error);
  });
  const format = assertFormat(file, head);
  const isWhole = hasEnd(format, tail);
  // The sizes of the others may stand anywhere.
  if (isAll || ['JPEG', 'PNG'].includes(format)) {
    const header = await headerOf(file, head).catch((error: unknown) => {
      if (isAll) throw error;
      return null;
    });
    if (header) return { ...header, isWhole };
  }
  return { ...(await headerOf(file, await readFile(file))), isWhole };
}

/**
 * Whether boxes of an image of this size are those of the stored pixels, of the upright picture, or of either (a half turn or a
 * mirror leaves the size as it is, and so does a quarter turn of a square).
 * @returns null where they fit neither
 */
export function orientationOf(header: ImageHeader, { width, height }: Size): 'stored' | 'upright' | 'either' | null {
  const isStored = header.width === width && header.height === height;
  if (header.orientation === 1) return isStored ? 'stored' : null;
  const isTurned = header.orientation >= 5;
  const isUpright = isTurned ? header.width === height && header.height === width : isStored;
  if (isStored && isUpright) return 'either';
  return isStored ? 'stored' : isUpright ? 'upright' : null;
}

/** What is wrong with an image of another size than expected. */
export function sizeFault(header: Size, { width, height }: Size): string {
  const found = `is ${header.width}×${header.height} pixels but its entry says ${width}×${height}`;
  return header.width === height && header.height === width
    ? `${found}: turned by a quarter, as by an EXIF orientation that the file has lost or that was not applied`
    : `${found}: the boxes would not fit`;
}

async function headerOf(file: string, bytes: Uint8Array): Promise<ImageHeader> {
  const sharp = await loadSharp();
  const read = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch((error) => {
      throw undecodable(file, error);
    });
  const { width, height, orientation = 1, depth } = read;
  if (width * height > LARGEST_PIXELS) {
    const most = `more than the ${Math.floor(LARGEST_PIXELS / 1e6)} million that are decoded`;
    throw new ImageError(`image ${file} is ${width}×${height} pixels, ${most}`, 'make it smaller');
  }
  return { width, height, orientation, isDeep: depth !== 'uchar', isWhole: true };
}

function assertFormat(file: string, bytes: Uint8Array): string {
  const format = imageFormat(bytes);
  if (format?.isRead) return format.name;
  if (bytes.length === 0) throw new ImageError(`image ${file} is empty`, REPLACE);
  const what = format ? `is of the format ${format.name}, which is not read` : 'is of no format that is read';
  throw new ImageError(`image ${file} ${what} (${READ_FORMATS} are)`, 'convert it or leave it out');
}

async function readEnds(file: string): Promise<{ head: Uint8Array; tail: Uint8Array; isAll: boolean }> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const read = async (length: number, position: number) => {
      const buffer = new Uint8Array(Math.min(length, size));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
      return buffer.subarray(0, bytesRead);
    };
    const head = await read(HEAD_BYTES, 0);
    const isAll = size <= HEAD_BYTES;
    return { head, isAll, tail: isAll ? head : await read(TAIL_BYTES, Math.max(0, size - TAIL_BYTES)) };
  } finally {
    await handle.close();
  }
}

/** Whether the format's last bytes are there; some cameras write more after them. */
function hasEnd(format: string, tail: Uint8Array): boolean {
  const end = format === 'JPEG' ? '\xff\xd9' : format === 'PNG' ? 'IEND' : '';
  return String.fromCharCode(...tail.subarray(-TAIL_BYTES)).includes(end);
}

const unreadable = (file: string, error: unknown) =>
  new ImageError(`image ${file} cannot be read (${message(error)})`, 'check the path and its permissions');

const undecodable = (file: string, error: unknown) =>
  new ImageError(`image ${file} cannot be decoded (${message(error)}): cut short or corrupt`, REPLACE);

function message(error: unknown): string {
  const text = error instanceof Error ? error.message.trim().replaceAll('\n', '; ') : String(error);
  return text.includes('failOn') ? 'a part of it is lost' : text; // sharp's words for a warning of the decoder
}
