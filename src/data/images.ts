import { readFile } from 'node:fs/promises';
import { InputError } from '../util/error.js';
import { loadSharp } from '../util/sharp.js';
import type { Sample } from './source.js';

/**
 * Decodes an image file (JPEG, PNG and what else libvips reads) to red, green, blue bytes, [height, width, 3].
 * A rotation noted in EXIF is not applied: COCO's boxes refer to the pixels as they are stored.
 *
 * @throws {InputError} the file is missing, cut short, corrupt, or not an image; or sharp is not installed
 */
export async function decodeImage(file: string): Promise<Pick<Sample, 'pixels' | 'width' | 'height'>> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw new InputError(`image ${file} cannot be read (${message(error)}); check the path and its permissions`);
  }
  const sharp = await loadSharp();
  try {
    // 'warning' is sharp's strictest level: libjpeg reports lost data inside the file as a warning only.
    const { data, info } = await sharp(bytes, { failOn: 'warning' })
      .toColourspace('srgb')
      .removeAlpha()
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return { pixels: data, width: info.width, height: info.height };
  } catch (error) {
    throw new InputError(
      `image ${file} cannot be decoded (${message(error)}): cut short, corrupt or not an image; replace it or leave it out`,
    );
  }
}

const message = (error: unknown) =>
  error instanceof Error ? error.message.trim().replaceAll('\n', '; ') : String(error);
