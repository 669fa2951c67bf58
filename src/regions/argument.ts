import type { Device } from '../tensor/device.js';
import { Tensor } from '../tensor/tensor.js';
import { assertTensor } from '../tensor/tensorArgument.js';
import { kindOf } from '../util/argument.js';
import { InputError } from '../util/error.js';
import type { Grid } from './grid.js';
import type { Truth } from './truth.js';

/** @throws InputError when it is not what `makeGrid` gives */
export function assertGrid(name: string, value: unknown): asserts value is Grid {
  const grid = value as Partial<Grid> | null | undefined;
  if (Array.isArray(grid?.levelTable) && Array.isArray(grid.areas) && Number.isInteger(grid.locations)) return;
  throw new InputError(`${name}: ${kindOf(value)}; expected what makeGrid gives, or the .grid of a HeadLoss.`);
}

/** @throws InputError when it is not what `uploadTruth` gives, was disposed, or lies on another GPUDevice */
export function assertTruth(name: string, value: unknown, device?: Device): asserts value is Truth {
  const truth = value as Partial<Truth> | null | undefined;
  if (truth?.boxes instanceof Tensor && truth.imageStarts instanceof Tensor) {
    assertTensor(name, truth.boxes, { ...(device && { device }) });
    return;
  }
  const upload = 'uploadTruth(device, { boxes, labels, images }, { batch, classes })';
  const isRaw = typeof truth === 'object' && truth !== null && 'labels' in truth;
  throw new InputError(
    isRaw
      ? `${name}: annotations that are not on the device; upload them: ${upload}.`
      : `${name}: ${kindOf(value)}; expected what ${upload} gives; for images without objects all three are empty.`,
  );
}
