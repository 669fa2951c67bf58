import type { Size } from './images.js';
import type { Sample } from './source.js';

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
  const scale = scaleToFit(sample, { height, width });
  if (scale === 1) return { sample, scale };
  const size = {
    width: Math.max(1, Math.round(sample.width * scale)),
    height: Math.max(1, Math.round(sample.height * scale)),
  };
  const pixels = await resize(sample, size);
  const scaled = (boxes: Float32Array) => boxes.map((value) => value * scale);
  return { sample: { ...sample, ...size, pixels, boxes: scaled(sample.boxes), ignore: scaled(sample.ignore) }, scale };
}

/** The factor that makes an image as large as fits. */
export function scaleToFit(image: Size, into: Size): number {
  return Math.min(into.height / image.height, into.width / image.width);
}

/** Uses sharp in Node and the canvas in a browser, whose bundle is built without `process` and so without sharp. */
async function resize({ pixels, width, height }: Sample, size: Size): Promise<Uint8Array> {
  if (typeof process !== 'undefined' && process.versions?.node !== undefined) {
    const { loadSharp } = await import('../util/sharp.js');
    const sharp = await loadSharp();
    const image = sharp(pixels, { raw: { width, height, channels: 3 } });
    return image
      .resize({ ...size, fit: 'fill' })
      .raw()
      .toBuffer();
  }
  const rgba = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let i = 0; i < width * height; i++) rgba.set(pixels.subarray(3 * i, 3 * i + 3), 4 * i);
  const bitmap = await createImageBitmap(new ImageData(rgba, width, height), {
    resizeWidth: size.width,
    resizeHeight: size.height,
    resizeQuality: 'high',
  });
  return pixelsOf(bitmap);
}

/** Red, green, blue bytes of a decoded image, [height, width, 3]; a browser's `decodeImage`. Closes the bitmap. */
export function pixelsOf(bitmap: ImageBitmap): Uint8Array {
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error('the browser gives no 2D canvas');
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  const pixels = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) pixels.set(data.subarray(4 * i, 4 * i + 3), 3 * i);
  return pixels;
}
