import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { InputError } from '../gpu/error.js';
import type { Sample } from './source.js';

/**
 * Decodes an image file (JPEG, PNG and what else libvips reads) to red, green, blue bytes, [height, width, 3].
 * A rotation noted in EXIF is not applied: COCO's boxes refer to the pixels as they are stored.
 *
 * @throws {InputError} the file is missing, cut short, corrupt, or not an image
 */
export async function decodeImage(file: string): Promise<Pick<Sample, 'pixels' | 'width' | 'height'>> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw new InputError(`image ${file} cannot be read (${message(error)}); check the path and its permissions`);
  }
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

/**
 * Resizes a sample to the largest size of its aspect ratio that fits into height × width. The network's input has the
 * image at its top left, so padding follows on the right or below, and a box of the network's frame divided by `scale`
 * is a box of the original image. (Sizes are rounded to whole pixels: the two can differ by half a pixel at the far edge.)
 *
 * @returns the sample with its boxes scaled, and the factor
 */
export async function fitSample(
  sample: Sample,
  height: number,
  width: number,
): Promise<{ sample: Sample; scale: number }> {
  const scale = Math.min(height / sample.height, width / sample.width);
  if (scale === 1) return { sample, scale };
  const size = {
    width: Math.max(1, Math.round(sample.width * scale)),
    height: Math.max(1, Math.round(sample.height * scale)),
  };
  const pixels = await sharp(sample.pixels, { raw: { width: sample.width, height: sample.height, channels: 3 } })
    .resize({ ...size, fit: 'fill' })
    .raw()
    .toBuffer();
  const scaled = (boxes: Float32Array) => boxes.map((value) => value * scale);
  return { sample: { ...sample, ...size, pixels, boxes: scaled(sample.boxes), ignore: scaled(sample.ignore) }, scale };
}

const message = (error: unknown) =>
  error instanceof Error ? error.message.trim().replaceAll('\n', '; ') : String(error);
