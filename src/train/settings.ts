import { InputError } from '../util/error.js';
import { checkOptimizerSettings, type OptimizerSettings } from './optimizer.js';
import { checkScheduleSettings, type ScheduleSettings } from './schedule.js';

/** Everything that fixes a training but the data, the detector and the recipe. Plain JSON; checkpoints hold it. */
export interface TrainSettings extends OptimizerSettings, ScheduleSettings {
  /** Passes over the images; one has ⌊images / batch⌋ steps. */
  epochs: number;
  /** Images a step. */
  batch: number;
  /** Fixes initial parameters, order and augmentation. */
  seed: number;
  /** Flips, scales, shifts and recolours the images at random. */
  augment: boolean;
  /** Evaluates on the validation set after every so many epochs, and after the last; 0: never. */
  evaluateEvery: number;
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
};

/**
 * Complete settings: what is left out is the default.
 * @throws InputError that names the setting, its value and what it may be
 */
export function trainSettings(given: Partial<TrainSettings> = {}): TrainSettings {
  const settings = { ...DEFAULT_SETTINGS, ...given };
  for (const name of Object.keys(settings)) {
    if (!Object.hasOwn(DEFAULT_SETTINGS, name)) {
      throw new InputError(
        `${name} is no setting of a training; there are ${Object.keys(DEFAULT_SETTINGS).join(', ')}.`,
      );
    }
  }
  for (const name of ['epochs', 'batch'] as const) {
    if (!Number.isSafeInteger(settings[name]) || settings[name] < 1) {
      throw new InputError(`${name} is ${settings[name]}; expected a positive integer.`);
    }
  }
  for (const name of ['seed', 'evaluateEvery'] as const) {
    if (!Number.isSafeInteger(settings[name]) || settings[name] < 0) {
      throw new InputError(`${name} is ${settings[name]}; expected a non-negative integer.`);
    }
  }
  if (typeof settings.augment !== 'boolean') {
    throw new InputError(`augment is ${JSON.stringify(settings.augment)}; expected true or false.`);
  }
  checkOptimizerSettings(settings);
  checkScheduleSettings(settings);
  return settings;
}
