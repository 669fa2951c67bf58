import { expect, test } from 'vitest';
import { DEFAULT_SETTINGS, trainSettings } from '../../src/train/settings.js';
import { InputError } from '../../src/util/error.js';

test('what is left out is the default', () => {
  expect(trainSettings()).toEqual(DEFAULT_SETTINGS);
  expect(trainSettings({ epochs: 3, schedule: 'step' })).toEqual({ ...DEFAULT_SETTINGS, epochs: 3, schedule: 'step' });
  expect(trainSettings(DEFAULT_SETTINGS)).toEqual(DEFAULT_SETTINGS);
});

test.each([
  [{ epochs: 0 }, 'epochs is 0; it must be >= 1.'],
  [{ batch: 1.5 }, 'batch is 1.5; it must be integer.'],
  [{ seed: -1 }, 'seed is -1; it must be >= 0.'],
  [{ seed: 2 ** 32 }, 'seed is 4294967296; it must be <= 4294967295.'],
  [{ evaluateEvery: '1' }, 'evaluateEvery is "1"; it must be integer.'],
  [{ augment: 1 }, 'augment is 1; it must be boolean.'],
  [{ optimizer: 'adam' }, 'optimizer is "adam"; it must be equal to one of the allowed values sgd, adamw.'],
  [{ momentum: 1 }, 'momentum is 1; it must be < 1.'],
  [{ ema: '0.5' }, 'ema is "0.5"; it must be number.'],
  [{ weightDecay: Number.NaN }, 'weightDecay is NaN; it must be number.'],
  [{ clip: Infinity }, 'clip is Infinity; it must be number.'],
  [{ learningRate: 0 }, 'learningRate is 0; it must be > 0.'],
  [{ warmupSteps: undefined }, 'warmupSteps is missing.'],
  [
    { schedule: 'linear' },
    'schedule is "linear"; it must be equal to one of the allowed values step, cosine, constant.',
  ],
  [
    { speed: 1, epochs: null },
    /^epochs is null; it must be integer; unknown field speed \(a training's settings has epochs, |^unknown/,
  ],
  [[], "a training's settings is []; it must be object."],
  [null, "a training's settings is null; it must be object."],
  ['adamw', `a training's settings is "adamw"; it must be object.`],
])('%j is refused', (given, message) => {
  const set = () => trainSettings(given as Parameters<typeof trainSettings>[0]);
  expect(set).toThrow(InputError);
  expect(set).toThrow(message);
});
