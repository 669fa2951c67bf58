import type { Sample } from '../data/source.js';
import { loadSharp } from '../util/sharp.js';

/** Pixels of the longer side of an embedded image: enough for a page, and a page holds a dozen. */
const LARGEST_SIDE = 800;
const QUALITY = 82;

/** An image as a data URI that a page or a drawing can hold. @returns its original size in pixels, and the URI */
export async function embedImage(sample: Sample): Promise<{ width: number; height: number; href: string }> {
  const { pixels, width, height } = sample;
  const sharp = await loadSharp();
  const jpeg = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .resize({ width: LARGEST_SIDE, height: LARGEST_SIDE, fit: 'inside', withoutEnlargement: true })
    .jpeg({ quality: QUALITY })
    .toBuffer();
  return { width, height, href: `data:image/jpeg;base64,${jpeg.toString('base64')}` };
}
