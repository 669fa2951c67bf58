import type { Command } from 'commander';
import { needsTeacher } from '../losses/recipe.js';
import { assertAssigner } from '../train/phases.js';
import { trainSettings } from '../train/settings.js';
import { InputError } from '../util/error.js';
import { type Outcome, prints } from './command.js';
import { DATA_HELP, openData } from './data.js';
import { distributed } from './distributed.js';
import { readRecipe } from './recipe.js';
import { checkStudent, findStudent } from './student.js';
import {
  configOf,
  DEFAULTS,
  describeTraining,
  initialWeights,
  openValidation,
  resumed,
  runFolder,
  type Training,
  trainOnDevice,
} from './training.js';
import {
  addTrainingOptions,
  checkpointEvery,
  checkResume,
  settingsOf,
  type TrainingOptions,
  withNewClasses,
} from './trainingOptions.js';

interface TrainOptions extends TrainingOptions {
  recipe: string;
}

/** `edgewise train DATA` */
export function addTrain(program: Command): void {
  const command = program
    .command('train')
    .description('train a detector from nothing, or an ONNX model, without a teacher')
    .argument('<data>', DATA_HELP)
    .option('--recipe <name>', 'losses and regions: a .json file, or a shipped recipe that does not distil', 'gfocal');
  prints(addTrainingOptions(command, 'small'), train);
}

function train(data: string, given: TrainOptions, command: Command): Promise<Outcome | null> {
  const options = withNewClasses(given);
  checkResume(command, options);
  checkStudent(command, options);
  return distributed(options, async (ranks) => {
    const training = await prepare(data, options);
    const every = checkpointEvery(options);
    const { resume = false, recompute } = options;
    const run = {
      ...{ resume, checkpointEvery: every },
      ...(recompute !== undefined && { recompute }),
      ...(ranks && { ranks }),
    };
    return describeTraining(training, await trainOnDevice(options, training, run));
  });
}

/** Reads and checks everything that does not need the GPU. */
async function prepare(data: string, options: TrainOptions): Promise<Training> {
  const opened = await openData(data, 'train', options);
  if (options.resume && options.out !== undefined) {
    const run = await resumed(options.out);
    return { ...run, data: opened, validation: await openValidation(opened, run.settings, options) };
  }
  const student = await findStudent(options, opened);
  const read = await readRecipe(options.recipe, {
    classes: opened.source.classes.length,
    switchAfter: options.switchAfter,
  });
  const recipe = student?.recipeFor(read) ?? read;
  if (needsTeacher(recipe)) {
    throw new InputError(
      `--recipe: ${recipe.name} distils; use edgewise distill --teacher, or a recipe that does not.`,
    );
  }
  const settings = settingsOf(options);
  assertAssigner(recipe, trainSettings(settings));
  return {
    data: opened,
    validation: await openValidation(opened, settings, options),
    detector: student?.config ?? configOf(options, { ...DEFAULTS, ...opened, classes: opened.source.classes.length }),
    student,
    recipe,
    settings,
    ...(await initialWeights(options)),
    folder: runFolder(options, opened, recipe, student),
  };
}
