import { basename, join } from 'node:path';
import { type Command, Option } from 'commander';
import { MAX_SHAPES } from '../data/shapes.js';
import { type DetectorSize, detectorConfig } from '../detector/config.js';
import type { Detector } from '../detector/detector.js';
import { type PartialRecipe, resolveRecipe } from '../losses/recipe.js';
import type { Device } from '../tensor/device.js';
import { loadCheckpoint, restoreDetector } from '../train/checkpoint.js';
import type { EvaluateOptions } from '../train/evaluate.js';
import { measureRun, writeMeasures } from '../train/measures.js';
import type { TrainSettings } from '../train/settings.js';
import { shareRun } from '../train/shareRun.js';
import { loadWeights } from '../train/weights.js';
import { packageFolder } from '../util/packageFolder.js';
import { loadSharp } from '../util/sharp.js';
import { tell } from '../util/terminal.js';
import { type AdapterOptions, addDeviceOptions, type Outcome, prints, withDevice } from './command.js';
import { type Data, openData, SHAPES } from './data.js';
import { prepareDemoFolder } from './demoFolder.js';
import { type DemoRow, describeDemo } from './demoTable.js';
import { integer, parsed } from './numbers.js';
import { progressReporter } from './progress.js';
import { reportRuns } from './report.js';
import { runTraining, type Training } from './training.js';

/** Generated images of each student, and those that all three nets are evaluated on. */
const IMAGES = { train: 800, test: 128 };
const DETECTOR = { bins: 17, strides: [8, 16, 32] };
/** The images are generated, so there is no need to augment them; nothing is evaluated before its end. */
const SETTINGS = {
  batch: 8,
  learningRate: 1e-2,
  warmupSteps: 10,
  augment: false,
  evaluateEvery: 0,
} satisfies Partial<TrainSettings>;

/** Of `--teacher train`: 448 steps. */
const TEACHER = { epochs: 2, images: 1792 };
/** What the students take from the tiny detector that comes with the package; their heads start at random. */
const STARTED = ['backbone', 'neck'] as const;
/** Images that the report looks at to choose one: few, to save time. */
const CANDIDATES = 8;

/** The paper's weight, 10, was made for 80 classes; the term is a mean over the classes, and shapes have 3. */
const CLASSES = { main: (10 * 3) / 80 };
/** At T = 1 the softened distributions are those that the boxes are read from. A training so short learns the main region first. */
const LOCALIZATION = { main: 16, vlr: 4, temperature: 1, normaliser: 'weights' } as const;
/** The same student, images, schedule and class distillation: they differ in nothing but localization distillation. */
const RECIPES: PartialRecipe[] = [
  { name: 'kd', kd: CLASSES },
  { name: 'kd+ld', kd: CLASSES, ld: LOCALIZATION },
];
const FOLDER = join('runs', 'demo');

interface DemoOptions extends AdapterOptions {
  seed: number;
  images: number;
  testImages: number;
  teacher: 'shipped' | 'train';
  out: string;
}

/** `edgewise demo`: the main job, end to end. */
export function addDemo(program: Command): void {
  const command = program
    .command('demo')
    .description('train two students of one teacher, without and with localization distillation, and compare them')
    .option('--seed <n>', 'of the new parameters and the order of the images', parsed.seed, 0)
    .option('--images <n>', 'to train each student on', integer(8, MAX_SHAPES), IMAGES.train)
    .option('--test-images <n>', 'to evaluate on', parsed.images, IMAGES.test)
    .addOption(
      new Option('--teacher <which>', 'the one that comes with the package, or one that is trained first')
        .choices(['shipped', 'train'])
        .default('shipped'),
    )
    .option('--out <folder>', 'where the runs and the report go; those of an earlier demo are replaced', FOLDER);
  prints(addDeviceOptions(command), (options: DemoOptions) => withDevice(options, (device) => demo(device, options)));
}

async function demo(device: Device, options: DemoOptions): Promise<Outcome> {
  const { out, seed, images, testImages } = options;
  const started = performance.now();
  tell(`Adapter: ${device.adapter.name}`);
  const students = RECIPES.map((recipe) => ({ recipe, run: join(out, `student-${recipe.name}`) }));
  const teacherRun = join(out, 'teacher');
  const report = join(out, 'report.html');
  // The second student reads what the teacher has told the first.
  const teacherCache = join(out, 'teacher-outputs');
  const written = [...students.map(({ run }) => run), teacherRun, teacherCache, report];
  await prepareDemoFolder(
    out,
    written.map((path) => basename(path)),
  );
  const data = await openData(SHAPES, 'train', { images });
  const test = await openData(SHAPES, 'test', { images: testImages });
  // The papers' students begin with a trained backbone, too, and with a new head.
  const weights = await loadWeights(shipped('shapes-tiny'));

  if (!(await makeTeacher(device, teacherRun, options))) return interruptedAt(out);
  const teacher = restoreDetector(device, await loadCheckpoint(teacherRun), 'average');
  const rows: DemoRow[] = [];
  try {
    const measured = await measure(teacher, teacherRun, test);
    if (!measured) return interruptedAt(out);
    rows.push(measured);
    for (const { recipe, run } of students) {
      tell(`${run}: detector "tiny" learns from the teacher, ${images} images`);
      const training = {
        ...trainingOf(data, 'tiny', run),
        recipe: resolveRecipe(recipe),
        weights,
        weightParts: STARTED,
      };
      const settings = { ...SETTINGS, epochs: 1, seed };
      const teaching = { teacher, teacherRun, teacherCache };
      const { interrupted } = await runTraining(device, { ...training, settings }, teaching);
      if (interrupted) return interruptedAt(out);
      const row = await measureStudent(device, run, test, { teacher, teacherCache });
      if (!row) return interruptedAt(out);
      rows.push(row);
    }
  } finally {
    teacher.dispose();
  }
  const page = await reportOf(device, rows, test, report);
  const seconds = (performance.now() - started) / 1000;
  return {
    data: { adapter: device.adapter.name, seed, runs: rows, report: page, seconds },
    text: describeDemo(rows, page, seconds),
  };
}

/** Copies the teacher that comes with the package, or trains one. @returns false where that was interrupted */
async function makeTeacher(device: Device, run: string, { teacher, seed }: DemoOptions): Promise<boolean> {
  if (teacher === 'shipped') {
    tell(`${run}: detector "small", comes with the package`);
    await shareRun(shipped('shapes-small'), run);
    return true;
  }
  const { epochs, images } = TEACHER;
  tell(`${run}: detector "small" learns alone, ${epochs} epochs of ${images} images`);
  const training = trainingOf(await openData(SHAPES, 'train', { images }), 'small', run);
  return !(await runTraining(device, { ...training, settings: { ...SETTINGS, epochs, seed } })).interrupted;
}

/** A detector on the data, by the recipe gfocal. */
function trainingOf(data: Data, size: DetectorSize, folder: string): Omit<Training, 'settings'> {
  const { width, height, source } = data;
  const detector = detectorConfig({ ...DETECTOR, size, classes: source.classes.length, width, height });
  return { data, validation: null, detector, recipe: resolveRecipe('gfocal'), folder };
}

/** Measures what a student has become. @returns null where that was interrupted */
async function measureStudent(device: Device, run: string, test: Data, teaching: Teaching): Promise<DemoRow | null> {
  const student = restoreDetector(device, await loadCheckpoint(run), 'average');
  try {
    return await measure(student, run, test, teaching);
  } finally {
    student.dispose();
  }
}

/** What a student is compared with. */
type Teaching = Required<Pick<EvaluateOptions, 'teacher' | 'teacherCache'>>;

/** Measures a net and keeps what was found in its run's folder. @returns null where that was interrupted */
async function measure(detector: Detector, run: string, test: Data, teaching?: Teaching): Promise<DemoRow | null> {
  const { source, split } = test;
  const { recipe } = (await loadCheckpoint(run)).metadata;
  const progress = progressReporter();
  const found = await measureRun(detector, {
    source,
    split,
    recipe,
    ...teaching,
    onCompile: (done, of) => progress.report({ kind: 'compilation', done, of }),
    onProgress: (done, of) => progress.report({ kind: 'evaluation', done, of }),
  }).finally(progress.stop);
  if (!found) return null;
  await writeMeasures(run, found);
  const { AP, AP50, AP75 } = found.stats;
  const distance = found.agreement?.all;
  const localizationError = distance && distance.locations > 0 ? distance.localizationError : null;
  return { run, size: detector.config.size, recipe: recipe.name, AP, AP50, AP75, localizationError };
}

/** The page with the three nets; null where there is nothing to draw images with. */
async function reportOf(device: Device, rows: DemoRow[], data: Data, page: string): Promise<string | null> {
  try {
    await loadSharp();
  } catch (error) {
    tell(`no report: ${(error as Error).message}`);
    return null;
  }
  await reportRuns(device, {
    folders: rows.map(({ run }) => run),
    data,
    page,
    candidates: CANDIDATES,
    withFigures: false,
  });
  return page;
}

/** A run that comes with the package. */
function shipped(name: 'shapes-small' | 'shapes-tiny'): string {
  return join(packageFolder(), 'models', name);
}

function interruptedAt(out: string): Outcome {
  return { data: { interrupted: true }, text: `Interrupted; the runs so far are in ${out}.` };
}
