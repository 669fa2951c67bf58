import type { Command } from 'commander';
import { recipeNames } from '../losses/recipe.js';
import { assertAssigner } from '../train/phases.js';
import { trainSettings } from '../train/settings.js';
import { type Outcome, prints } from './command.js';
import { DATA_HELP, type Data, openData } from './data.js';
import { distributed } from './distributed.js';
import { readRecipe } from './recipe.js';
import { checkStudent, type FoundStudent, findStudent } from './student.js';
import { type FoundTeacher, findOnnxTeacher, findTeacher, isOnnx } from './teacher.js';
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
  withNewClasses,
} from './trainingOptions.js';

/** The paper's best on COCO (Zheng et al., CVPR 2022, table 6). */
export const DEFAULT_RECIPE = 'ld';

interface DistillOptions extends TrainingOptions {
  teacher: string;
  teacherMapping?: string;
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
      'folder of a finished training, one of its .safetensors files, folder of edgewise teach, or an .onnx file',
    )
    .option('--teacher-mapping <file>', 'of a teacher that is an .onnx file: which of its tensors are what (.json)')
    .option(
      '--teacher-cache <folder>',
      "keeps the teacher's outputs, rounded to half floats, for other students of the same data, seed and batch",
    )
    .option('--recipe <name>', 'a shipped recipe (listed below) or a .json file', DEFAULT_RECIPE)
    .addHelpText('after', `\nRecipes: ${recipeNames.join(', ')}`);
  prints(addTrainingOptions(command, 'tiny'), distill);
}

function distill(data: string, given: DistillOptions, command: Command): Promise<Outcome | null> {
  const options = withNewClasses(given);
  checkResume(command, options);
  checkStudent(command, options);
  const { teacherMapping } = options;
  return distributed(options, async (ranks) => {
    // What can be said of a teacher without the data is said first.
    const known = isOnnx(options.teacher, teacherMapping) ? null : await findTeacher(options.teacher);
    const opened = await openData(data, 'train', options);
    const student = await findStudent(options, opened);
    const run = options.resume && options.out !== undefined ? await resumed(options.out) : null;
    const size = run?.detector ?? student?.config ?? options;
    const found = known ?? (await findOnnxTeacher(options.teacher, teacherMapping, opened, size));
    const training = run
      ? { ...run, data: opened, validation: await openValidation(opened, run.settings, options) }
      : await prepare(options, opened, student, found);
    found.assertFits(training);
    const teacherCache = options.teacherCache ?? found.cache;
    const result = await trainOnDevice(options, training, {
      open: (device) => found.open(device, training.data.source, trainSettings(training.settings).precision),
      teacherRun: options.teacher,
      ...(teacherMapping !== undefined && { teacherMapping }),
      resume: options.resume === true,
      checkpointEvery: checkpointEvery(options),
      ...(options.recompute !== undefined && { recompute: options.recompute }),
      ...(teacherCache !== null && { teacherCache }),
      ...(ranks && { ranks }),
    });
    return describeTraining(training, result);
  });
}

/** Reads and checks everything that does not need the GPU. */
async function prepare(
  options: DistillOptions,
  opened: Data,
  student: FoundStudent | null,
  { config }: FoundTeacher,
): Promise<Training> {
  const read = await readRecipe(options.recipe, {
    classes: opened.source.classes.length,
    switchAfter: options.switchAfter,
  });
  const recipe = student?.recipeFor(read) ?? read;
  const settings = settingsOf(options);
  assertAssigner(recipe, trainSettings(settings));
  return {
    data: opened,
    validation: await openValidation(opened, settings, options),
    detector: student?.config ?? configOf(options, { ...config, classes: opened.source.classes.length }),
    student,
    recipe,
    settings,
    ...(await initialWeights(options)),
    folder: runFolder(options, opened, recipe, student),
  };
}
