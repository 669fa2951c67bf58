import type { Command } from 'commander';
import { resolveRecipe } from '../losses/recipe.js';
import { type Outcome, prints, withDevice } from './command.js';
import { DATA_HELP, openData } from './data.js';
import {
  addTrainingOptions,
  checkResume,
  configOf,
  describeTraining,
  initialWeights,
  openValidation,
  resumed,
  runFolder,
  runTraining,
  settingsOf,
  type Training,
  type TrainingOptions,
} from './training.js';

/** Of GFocal: reg_max 16; the strides of small images. */
const DEFAULTS = { bins: 17, strides: [8, 16, 32] };

/** `edgewise train DATA` */
export function addTrain(program: Command): void {
  const command = program
    .command('train')
    .description('train a detector from nothing, without a teacher')
    .argument('<data>', DATA_HELP);
  prints(addTrainingOptions(command, 'small'), train);
}

async function train(data: string, options: TrainingOptions, command: Command): Promise<Outcome> {
  checkResume(command, options);
  const training = await prepare(data, options);
  return withDevice(options, async (device) =>
    describeTraining(training, await runTraining(device, training, { resume: options.resume === true })),
  );
}

/** Reads and checks everything that does not need the GPU. */
async function prepare(data: string, options: TrainingOptions): Promise<Training> {
  const opened = await openData(data, 'train', options.images);
  if (options.resume && options.out !== undefined) {
    const run = await resumed(options.out);
    return { ...run, data: opened, validation: await openValidation(data, run.settings) };
  }
  const recipe = resolveRecipe('gfocal');
  const settings = settingsOf(options);
  return {
    data: opened,
    validation: await openValidation(data, settings),
    detector: configOf(options, { ...DEFAULTS, ...opened, classes: opened.source.classes.length }),
    recipe,
    settings,
    weights: await initialWeights(options),
    folder: runFolder(options, opened, recipe),
  };
}
