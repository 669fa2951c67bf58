import { MAX_WORKGROUPS } from '../gpu/launch.js';
import type { Device } from '../tensor/device.js';
import type { Needs } from '../tensor/sizing.js';
import { InputError } from '../util/error.js';
import type { DetectorConfig } from './config.js';

/**
 * Checks that the kernels of a device can see every buffer that a batch needs.
 * @param what needs them, for the message
 * @param needsOf computed from shapes, on a `SizingDevice`: nothing is allocated
 * @throws InputError that names the largest batch that fits
 */
export function assertBatchFits(
  { largestBinding: most, adapter }: Device,
  what: string,
  { width, height }: Pick<DetectorConfig, 'width' | 'height'>,
  batch: number,
  needsOf: (batch: number) => Needs,
): void {
  const fits = ({ bytes, workgroups }: Pick<Needs, 'bytes' | 'workgroups'>) =>
    bytes <= most.bytes && workgroups <= MAX_WORKGROUPS;
  const image = 4 * 3 * width * height;
  // Sizes are looked at in detail only where the images themselves fit: their number may be anything.
  const images = { bytes: batch * image, buffer: 'the images', workgroups: 0 };
  const needs = fits(images) ? needsOf(batch) : images;
  if (fits(needs)) return;
  let fitting = 0;
  let tooMany = Math.min(batch, Math.floor(most.bytes / image) + 1);
  while (tooMany - fitting > 1) {
    const middle = Math.floor((fitting + tooMany) / 2);
    if (fits(needsOf(middle))) fitting = middle;
    else tooMany = middle;
  }
  const reason =
    needs.bytes > most.bytes
      ? `needs ${needs.bytes} bytes in one buffer (${needs.buffer}); a kernel on ${adapter.name} sees ${most.bytes} (${most.limit})`
      : `needs ${needs.workgroups} workgroups in one dimension; a dispatch has at most ${MAX_WORKGROUPS}`;
  const remedy =
    fitting > 0 ? `The largest batch that fits is ${fitting}.` : 'Not even one image fits: make the images smaller.';
  throw new InputError(`batch: with ${batch} images of ${width}×${height}, ${what} ${reason}. ${remedy}`);
}
