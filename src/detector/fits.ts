import { MAX_WORKGROUPS } from '../gpu/launch.js';
import type { Device } from '../tensor/device.js';
import type { Needs } from '../tensor/sizing.js';
import { InputError } from '../util/error.js';
import type { DetectorConfig } from './config.js';

/** What kernels need of a device. */
type Extent = Pick<Needs, 'bytes' | 'workgroups'>;

/**
 * Checks that the kernels of a device can see every buffer that a batch needs.
 * @param what needs them, for the message
 * @param needsOf computed from shapes, on a `SizingDevice`: nothing is allocated
 * @param otherwise what to do with the largest batch that fits, for the message
 * @throws InputError that names the largest batch that fits
 */
export function assertBatchFits(
  device: Device,
  what: string,
  size: Pick<DetectorConfig, 'width' | 'height'>,
  batch: number,
  needsOf: (batch: number) => Needs,
  otherwise: (fitting: number) => string = () => '',
): void {
  const { largestBinding: most, adapter } = device;
  // Sizes are looked at in detail only where the images themselves fit: their number may be anything.
  const images = imagesOf(size, batch);
  const needs = fits(device, images) ? needsOf(batch) : { ...images, buffer: 'the images' };
  if (fits(device, needs)) return;
  const fitting = largestBatch(device, size, batch - 1, needsOf);
  const reason =
    needs.bytes > most.bytes
      ? `needs ${needs.bytes} bytes in one buffer (${needs.buffer}); a kernel on ${adapter.name} sees ${most.bytes} (${most.limit})`
      : `needs ${needs.workgroups} workgroups in one dimension; a dispatch has at most ${MAX_WORKGROUPS}`;
  const remedy =
    fitting > 0
      ? `The largest batch that fits is ${fitting}${otherwise(fitting)}.`
      : 'Not even one image fits: make the images smaller.';
  const { width, height } = size;
  throw new InputError(`batch: with ${batch} images of ${width}×${height}, ${what} ${reason}. ${remedy}`);
}

/** The largest batch, of at most so many images, that kernels can see; 0: not even one. */
export function largestBatch(
  device: Device,
  size: Pick<DetectorConfig, 'width' | 'height'>,
  atMost: number,
  needsOf: (batch: number) => Needs,
): number {
  const most = Math.min(atMost, Math.floor(device.largestBinding.bytes / imagesOf(size, 1).bytes));
  if (most > 0 && fits(device, needsOf(most))) return most;
  let fitting = 0;
  let tooMany = most;
  while (tooMany - fitting > 1) {
    const middle = Math.floor((fitting + tooMany) / 2);
    if (fits(device, needsOf(middle))) fitting = middle;
    else tooMany = middle;
  }
  return fitting;
}

function fits({ largestBinding }: Device, { bytes, workgroups }: Extent): boolean {
  return bytes <= largestBinding.bytes && workgroups <= MAX_WORKGROUPS;
}

function imagesOf({ width, height }: Pick<DetectorConfig, 'width' | 'height'>, batch: number): Extent {
  return { bytes: batch * 4 * 3 * width * height, workgroups: 0 };
}
