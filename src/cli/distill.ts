import type { Command } from 'commander';
import { recipeNames } from '../losses/recipe.js';
import { assertAssigner } from '../train/phases.js';
import { trainSettings } from '../train/settings.js';
import { type Outcome, prints } from './command.js';
import { DATA_HELP, openData } from './data.js';
import { distributed } from './distributed.js';
import { readRecipe } from './recipe.js';
import { type FoundTeacher, findTeacher } from './teacher.js';
import {
  configOf,
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
} from './trainingOptions.js';

/** The paper's best on COCO (Zheng et al., CVPR 2022, table 6). */
export const DEFAULT_RECIPE = 'ld';

interface DistillOptions extends TrainingOptions {
  teacher: string;
  recipe: string;
  teacherCache?: string;
}

/** `edgewise distill DATA --teacher RUN --recipe NAME` */
export function addDistill(program: Command): void {
  const command = program
    .command('distill')
    .description(
      'train a student that learns from a teacher; what is not given (bins, strides, sizes) is the teacher’s',
    )
    .argument('<data>', DATA_HELP)
    .requiredOption(
      '--teacher <run>',
      'folder of a finished training, one of its .safetensors files, or folder of edgewise teach',
    )
    .option(
      '--teacher-cache <folder>',
      "keeps the teacher's outputs, rounded to half floats, for other students of the same data, seed and batch",
    )
    .option('--recipe <name>', 'a shipped recipe (listed below) or a .json file', DEFAULT_RECIPE)
    .addHelpText('after', `\nRecipes: ${recipeNames.join(', ')}`);
  prints(addTrainingOptions(command, 'tiny'), distill);
}

function distill(data: string, options: DistillOptions, command: Command): Promise<Outcome | null> {
  checkResume(command, options);
  return distributed(options, async (ranks) => {
    const found = await findTeacher(options.teacher);
    const training = await prepare(data, options, found);
    found.assertFits(training);
    const teacherCache = options.teacherCache ?? found.cache;
    const result = await trainOnDevice(options, training, {
      open: (device) => found.open(device, training.data.source),
      teacherRun: options.teacher,
      resume: options.resume === true,
      checkpointEvery: checkpointEvery(options),
      ...(teacherCache !== null && { teacherCache }),
      ...(ranks && { ranks }),
    });
    return describeTraining(training, result);
  });
}

/** Reads and checks everything that does not need the GPU. */
async function prepare(data: string, options: DistillOptions, { config }: FoundTeacher): Promise<Training> {
  const opened = await openData(data, 'train', options);
  if (options.resume && options.out !== undefined) {
    const run = await resumed(options.out);
    return { ...run, data: opened, validation: await openValidation(opened, run.settings, options) };
  }
  const recipe = await readRecipe(options.recipe, {
    classes: opened.source.classes.length,
    switchAfter: options.switchAfter,
  });
  const settings = settingsOf(options);
  assertAssigner(recipe, trainSettings(settings));
  return {
    data: opened,
    validation: await openValidation(opened, settings, options),
    detector: configOf(options, { ...config, classes: opened.source.classes.length }),
    recipe,
    settings,
    ...(await initialWeights(options)),
    folder: runFolder(options, opened, recipe),
  };
}
