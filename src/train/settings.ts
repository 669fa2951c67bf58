import type { StoredType } from '../tensor/stored.js';
import { InputError } from '../util/error.js';
import { faultsIn } from '../util/schema.js';
import type { GroupSettings } from './groups.js';
import type { OptimizerSettings } from './optimizer.js';
import type { ScheduleSettings } from './schedule.js';
import isSettings from './settings.jsonschema';

/** All that fixes a training but data, detector and recipe. Plain JSON; checkpoints hold it. */
export interface TrainSettings extends Required<OptimizerSettings>, ScheduleSettings, GroupSettings {
  /** Passes over the images; one has ⌊images / (batch · accumulate)⌋ steps, each an update. */
  epochs: number;
  /** Images at once; a step has `accumulate` times as many. */
  batch: number;
  /** Fixes initial parameters, order and augmentation. */
  seed: number;
  /** Flips, scales, shifts and recolours the images at random. */
  augment: boolean;
  /** Epochs between evaluations on the validation set; the last epoch is always evaluated; 0: never. */
  evaluateEvery: number;
  /**
   * What a detector's maps, and weights for the kernels, are stored in. f16 takes half their bytes, and an adapter with `shader-f16`; sums,
   * losses, parameters and optimizer are f32 either way.
   */
  precision: StoredType;
  /**
   * Keeps little of what a forward pass computes: the backward pass computes it again, with the same bits. Takes less memory, and more time.
   */
  recompute: boolean;
}

/** For detectors trained from nothing, with group norm. */
export const DEFAULT_SETTINGS: TrainSettings = {
  epochs: 12, // mmdet's 1x schedule
  batch: 8,
  optimizer: 'adamw', // from nothing it takes far fewer epochs than the papers' SGD, which starts from ImageNet weights
  learningRate: 4e-3, // shapes, small, 6 epochs of 400 images: AP 7.4, and 8.3 with 8e-3; larger detectors want less (base on BCCD: 2e-3)
  momentum: 0.9,
  weightDecay: 0.05, // as AdamW is used for detectors in mmdet
  warmupSteps: 100,
  schedule: 'cosine',
  clip: 10, // GFocal's gradients have a norm of some units: only outliers are cut
  ema: 0.998,
  seed: 0,
  augment: true,
  evaluateEvery: 1,
  freeze: [],
  learningRates: [],
  accumulate: 1,
  precision: 'f32',
  recompute: false,
};

/** The largest counts, also in the schema: what is larger is a slip. */
export const MAX_SETTINGS = {
  epochs: 1_000_000,
  batch: 65_536,
  seed: 4_294_967_295, // of the 32 bits that a stream of random numbers is derived from
  evaluateEvery: 1_000_000,
  warmupSteps: 1_000_000_000,
  accumulate: 65_536,
};

/** Complete settings, with defaults for the rest. @throws InputError that names the setting, its value and what it may be */
export function trainSettings(given: Partial<TrainSettings> = {}): TrainSettings {
  const isObject = typeof given === 'object' && given !== null && !Array.isArray(given);
  const settings = isObject ? { ...DEFAULT_SETTINGS, ...given } : given;
  const faults = faultsIn(settings, isSettings, "a training's settings");
  if (faults !== null) throw new InputError(`${faults}.`);
  return settings as TrainSettings;
}
