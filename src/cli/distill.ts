import type { Command } from 'commander';
import { readJson } from '../data/json.js';
import type { DetectorConfig } from '../detector/config.js';
import { InputError } from '../gpu/error.js';
import { needsTeacher, type PartialRecipe, type Recipe, recipeNames, resolveRecipe } from '../losses/recipe.js';
import { type Checkpoint, loadCheckpoint, restoreDetector } from '../train/checkpoint.js';
import { type Outcome, prints, withDevice } from './command.js';
import { assertSameClasses, DATA_HELP, openData } from './data.js';
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

/** The paper's best on COCO (Zheng et al., CVPR 2022, table 6). */
const DEFAULT_RECIPE = 'main-kd+main-ld+vlr-ld';

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
    .requiredOption('--teacher <run>', 'folder of a finished training, or one of its .safetensors files')
    .option(
      '--teacher-cache <folder>',
      "keeps the teacher's outputs, rounded to half floats, for other students of the same data, seed and batch",
    )
    .option('--recipe <name>', 'a shipped recipe (listed below) or a .json file', DEFAULT_RECIPE)
    .addHelpText('after', `\nRecipes: ${recipeNames.join(', ')}`);
  prints(addTrainingOptions(command, 'tiny'), distill);
}

async function distill(data: string, options: DistillOptions, command: Command): Promise<Outcome> {
  checkResume(command, options);
  const teacher = await loadCheckpoint(options.teacher);
  const training = await prepare(data, options, teacher);
  assertTeacherFits(teacher, training);
  return withDevice(options, async (device) => {
    const detector = restoreDetector(device, teacher, 'average');
    try {
      const result = await runTraining(device, training, {
        teacher: detector,
        teacherRun: options.teacher,
        resume: options.resume === true,
        ...(options.teacherCache !== undefined && { teacherCache: options.teacherCache }),
      });
      return describeTraining(training, result);
    } finally {
      detector.dispose();
    }
  });
}

/** Reads and checks everything that does not need the GPU. */
async function prepare(data: string, options: DistillOptions, { metadata }: Checkpoint): Promise<Training> {
  const opened = await openData(data, 'train', options.images);
  if (options.resume && options.out !== undefined) {
    const run = await resumed(options.out);
    return { ...run, data: opened, validation: await openValidation(data, run.settings) };
  }
  const recipe = await readRecipe(options.recipe);
  const settings = settingsOf(options);
  return {
    data: opened,
    validation: await openValidation(data, settings),
    detector: configOf(options, { ...metadata.detector, classes: opened.source.classes.length }),
    recipe,
    settings,
    weights: await initialWeights(options),
    folder: runFolder(options, opened, recipe),
  };
}

async function readRecipe(recipe: string): Promise<Recipe> {
  if (!recipe.endsWith('.json')) return resolveRecipe(recipe);
  try {
    return resolveRecipe((await readJson(recipe)) as PartialRecipe);
  } catch (error) {
    throw error instanceof InputError && !error.message.startsWith(recipe)
      ? new InputError(`${recipe}: ${error.message}`)
      : error;
  }
}

/**
 * Distillation compares location with location, bin with bin and class with class.
 * @throws InputError that says in what the two differ and what to do
 */
function assertTeacherFits(teacher: Checkpoint, { data, detector, recipe }: Training): void {
  if (!needsTeacher(recipe)) return;
  assertSameClasses(teacher, data.source);
  const { file, metadata } = teacher;
  for (const name of ['bins', 'strides', 'width', 'height'] as const satisfies (keyof DetectorConfig)[]) {
    const [student, taught] = [String(detector[name]), String(metadata.detector[name])];
    if (student === taught) continue;
    throw new InputError(
      `${name}: ${student} for the student, ${taught} for the teacher ${file}; both need the same. ` +
        `Leave --${name} out to take the teacher's, or train a teacher with --${name} ${student}.`,
    );
  }
  const meaning = metadata.recipe.box.parameters;
  if (recipe.box.parameters !== meaning) {
    throw new InputError(
      `recipe ${recipe.name}: box.parameters is ${recipe.box.parameters}; the bins of the teacher ${file} mean ${meaning}. Give a recipe with box.parameters ${meaning}.`,
    );
  }
}
