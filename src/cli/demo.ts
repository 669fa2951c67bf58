import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { type DetectorSize, detectorConfig } from '../detector/config.js';
import type { Detector } from '../detector/detector.js';
import { resolveRecipe } from '../losses/recipe.js';
import type { Device } from '../tensor/device.js';
import { loadCheckpoint, restoreDetector } from '../train/checkpoint.js';
import { evaluate, namedStatistics } from '../train/evaluate.js';
import type { TrainSettings } from '../train/settings.js';
import { decimals, percent } from '../util/figures.js';
import { tell } from '../util/terminal.js';
import { type AdapterOptions, addDeviceOptions, integer, type Outcome, prints, withDevice } from './command.js';
import { openData, SHAPES } from './data.js';
import { table } from './table.js';
import { runTraining, type Training } from './training.js';

/** Generated images to train on and to evaluate on: three and a half minutes of SwiftShader on two cores. */
const IMAGES = { train: 1792, val: 96 };
const DETECTOR = { bins: 17, strides: [8, 16, 32] };
/** All three trainings; none is evaluated before its end. The images are generated, so there is no need to augment them. */
const SETTINGS = {
  batch: 8,
  learningRate: 1e-2, // 512 steps of `small`: AP 40.5; with 4e-3 34.1
  warmupSteps: 30,
  augment: false,
  evaluateEvery: 0,
} satisfies Partial<TrainSettings>;
/** Fewer steps, and the teacher is hardly better than a student by itself: then it has nothing to teach. */
const TEACHER = { size: 'small', epochs: 2, recipe: 'gfocal' } as const;
const STUDENT = { size: 'tiny', epochs: 1 } as const;
/** The same student, data, schedule and class distillation: they differ in nothing but localization distillation. */
const RECIPES = ['main-kd', 'main-kd+main-ld+vlr-ld'] as const;
const FOLDER = join('runs', 'demo');

interface DemoOptions extends AdapterOptions {
  seed: number;
  images: number;
  valImages: number;
  out: string;
}

/** One line of the table. */
interface Row {
  run: string;
  size: DetectorSize;
  recipe: string;
  AP: number;
  AP50: number;
  AP75: number;
  /** Mean |expected edge − teacher's| in strides, where the teacher sees an object; null for the teacher. */
  localizationError: number | null;
}

/** `edgewise demo`: the main job, end to end. */
export function addDemo(program: Command): void {
  const command = program
    .command('demo')
    .description('train a teacher and two students, without and with localization distillation, and compare them')
    .option('--seed <n>', 'of parameters, order and augmentation', integer(0), 0)
    .option('--images <n>', 'to train on', integer(8), IMAGES.train)
    .option('--val-images <n>', 'to evaluate on', integer(1), IMAGES.val)
    .option('--out <folder>', 'where the three runs go; earlier ones of the same name are replaced', FOLDER);
  prints(addDeviceOptions(command), (options: DemoOptions) => withDevice(options, (device) => demo(device, options)));
}

async function demo(device: Device, { seed, images, valImages, out }: DemoOptions): Promise<Outcome> {
  const started = performance.now();
  const [train, validation] = [await openData(SHAPES, 'train', images), await openData(SHAPES, 'val', valImages)];
  const { width, height, source } = train;
  tell(`Adapter: ${device.adapter.name}`);

  /** Trains one detector; undefined where it was interrupted. */
  const run = async (name: string, { size, epochs, recipe }: Job, teacher?: Detector): Promise<Row | undefined> => {
    const folder = join(out, name);
    await rm(folder, { recursive: true, force: true });
    tell('');
    tell(`${name}: ${size}, recipe ${recipe}, ${epochs} epochs of ${images} images`);
    const training: Training = {
      data: train,
      validation: null,
      detector: detectorConfig({ ...DETECTOR, size, classes: source.classes.length, width, height }),
      recipe: resolveRecipe(recipe),
      settings: { ...SETTINGS, epochs, seed },
      folder,
    };
    const { interrupted } = await runTraining(device, training, teacher ? { teacher } : {});
    if (interrupted) return undefined;
    const detector = restoreDetector(device, await loadCheckpoint(folder), 'average');
    try {
      const found = await evaluate(detector, { source: validation.source, ...(teacher && { teacher }) });
      if (!found) return undefined;
      const { AP, AP50, AP75 } = namedStatistics(found.averagePrecision);
      const distance = found.agreement?.all;
      const localizationError = distance && distance.locations > 0 ? distance.localizationError : null;
      return { run: folder, size, recipe, AP, AP50, AP75, localizationError };
    } finally {
      detector.dispose();
    }
  };

  const rows: Row[] = [];
  const first = await run('teacher', TEACHER);
  if (!first) return interruptedAt(out);
  rows.push(first);
  const teacher = restoreDetector(device, await loadCheckpoint(first.run), 'average');
  try {
    for (const recipe of RECIPES) {
      const row = await run(`student-${recipe}`, { ...STUDENT, recipe }, teacher);
      if (!row) return interruptedAt(out);
      rows.push(row);
    }
  } finally {
    teacher.dispose();
  }
  const seconds = (performance.now() - started) / 1000;
  return { data: { adapter: device.adapter.name, seed, runs: rows, seconds }, text: describe(rows, seconds) };
}

interface Job {
  size: DetectorSize;
  epochs: number;
  recipe: string;
}

function interruptedAt(out: string): Outcome {
  return { data: { interrupted: true }, text: `Interrupted; the runs so far are in ${out}.` };
}

function describe(rows: Row[], seconds: number): string {
  const heading = ['run', 'detector', 'recipe', 'AP', 'AP50', 'AP75', 'error to teacher'];
  const lines = rows.map(({ run, size, recipe, AP, AP50, AP75, localizationError }) => [
    run,
    size,
    recipe,
    ...[AP, AP50, AP75].map(percent),
    decimals(localizationError, 3),
  ]);
  return [
    table([heading, ...lines]),
    'AP in percent on generated images that no training saw. Error to teacher: mean difference of the expected edges in\nstrides, where the teacher sees an object.',
    `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`,
  ].join('\n\n');
}
