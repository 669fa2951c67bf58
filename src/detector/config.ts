import { constants } from '../../shaders/lib/bins.wgsl';
import { MAX_LEVELS } from '../tensor/pyramid.js';
import { anything, options } from '../util/argument.js';
import { brief } from '../util/brief.js';
import { InputError } from '../util/error.js';

/** Widths and depths of a detector. Widths are multiples of 8: group norm takes groups of 8 channels. */
interface Architecture {
  /** Channels after each of the two stride-2 convolutions that bring the image to stride 4. */
  stem: readonly [number, number];
  /** Channels of the residual stages at strides 8, 16 and 32. */
  stages: readonly [number, number, number];
  /** Channels of every level after the neck, and of the head's towers. */
  features: number;
  /** 3×3 convolutions in each of the head's two towers. */
  tower: number;
}

/** About 0.1, 0.4 and 1.4 million parameters; 0.1, 0.3 and 1.0 GFLOP for an image of 320×256. */
const ARCHITECTURES = {
  tiny: { stem: [8, 8], stages: [16, 32, 64], features: 24, tower: 1 },
  small: { stem: [16, 16], stages: [32, 64, 128], features: 32, tower: 2 },
  base: { stem: [16, 32], stages: [64, 128, 256], features: 48, tower: 3 },
} as const satisfies Record<string, Architecture>;

/** `tiny`, `small` or `base`: about 0.1, 0.4 and 1.4 million parameters; 0.1, 0.3 and 1.0 GFLOP for an image of 320×256. */
export type DetectorSize = keyof typeof ARCHITECTURES;

/** Everything that fixes a detector's parameters and maps. Plain JSON; checkpoints hold it. */
export interface DetectorConfig {
  /** Widths and depths. */
  size: DetectorSize;
  /** Number of classes, C. */
  classes: number;
  /** Bins of each edge's distribution: distances of 0 … bins − 1 strides. */
  bins: number;
  /** Pixels a cell of each level: consecutive powers of two from 4 or 8 on. */
  strides: readonly number[];
  /** The network's input in pixels; multiples of the largest stride. */
  width: number;
  /** Likewise. */
  height: number;
}

const GIVEN = options({ size: anything, classes: anything, width: anything, height: anything });

/** Most bins that the kernels hold in registers. */
export const { MAX_BINS } = constants;
/** Pixels a side of the largest input. */
export const MAX_SIDE = 16_384;
/** Three times those of the largest sets of classes there are. */
export const MAX_CLASSES = 65_536;

/**
 * A complete configuration: bins 17 (GFocal's reg_max 16) and strides 8, 16, 32 unless given.
 * @throws InputError that names the field, its value and what is allowed
 */
export function detectorConfig(
  given: Omit<DetectorConfig, 'bins' | 'strides'> & { bins?: number; strides?: readonly number[] },
): DetectorConfig {
  GIVEN('config', given);
  const { size, classes, bins = 17, strides = [8, 16, 32], width, height } = given;
  if (typeof size !== 'string' || !Object.hasOwn(ARCHITECTURES, size)) {
    throw new InputError(`size: ${brief(size)}; expected one of ${Object.keys(ARCHITECTURES).join(', ')}.`);
  }
  if (!Number.isInteger(classes) || classes < 1 || classes > MAX_CLASSES) {
    throw new InputError(`classes: ${brief(classes)}; expected an integer from 1 to ${MAX_CLASSES}.`);
  }
  if (!Number.isInteger(bins) || bins < 2 || bins > MAX_BINS) {
    throw new InputError(`bins: ${brief(bins)}; expected an integer from 2 to ${MAX_BINS}; GFocal uses 17.`);
  }
  const fault = faultOfStrides(strides);
  if (fault !== null) throw new InputError(fault);
  const largest = strides[strides.length - 1];
  for (const [name, extent] of Object.entries({ width, height })) {
    if (Number.isInteger(extent) && extent > MAX_SIDE)
      throw new InputError(`${name}: ${brief(extent)}; expected at most ${MAX_SIDE} pixels.`);
    if (!Number.isInteger(extent) || extent < largest || extent % largest !== 0) {
      const remedy =
        Number.isInteger(extent) && extent > 0 ? `; ${Math.ceil(extent / largest) * largest} would do` : '';
      throw new InputError(
        `${name}: ${brief(extent)}; expected a multiple of the largest stride, ${largest}${remedy}.`,
      );
    }
  }
  return { size, classes, bins, strides: [...strides], width, height };
}

/** What keeps strides from being those of a detector; null where they are. */
export function faultOfStrides(strides: readonly number[]): string | null {
  const [first] = Array.isArray(strides) ? strides : [];
  const isSeries = () => strides.every((stride, level) => stride === first * 2 ** level);
  if ((first === 4 || first === 8) && strides.length <= MAX_LEVELS && isSeries()) return null;
  return `strides: ${brief(strides)}; expected 1 to ${MAX_LEVELS} consecutive powers of two from 4 or 8 on, for instance 8, 16, 32 or 8, 16, 32, 64, 128.`;
}

/** The widths and depths of a size. */
export function architectureOf(config: Pick<DetectorConfig, 'size'>): Architecture {
  return ARCHITECTURES[config.size];
}
