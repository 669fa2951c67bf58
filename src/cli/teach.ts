import { join } from 'node:path';
import type { Command } from 'commander';
import type { ImageSource } from '../data/source.js';
import { type PartialRecipe, resolveRecipe } from '../losses/recipe.js';
import { cacheOfFolder, createTeacherFolder, holdsTeacher } from '../onnx/folder.js';
import { mapClasses } from '../onnx/mapping.js';
import { OnnxTeacher } from '../onnx/teacher.js';
import { fillTeacherCache } from '../train/fillCache.js';
import { DEFAULT_SETTINGS, MAX_SETTINGS } from '../train/settings.js';
import { writeWhole } from '../util/atomicFile.js';
import { tell } from '../util/terminal.js';
import { type AdapterOptions, addDeviceOptions, type Outcome, prints, withDevice } from './command.js';
import { counter } from './counter.js';
import { addDataOptions, DATA_HELP, type Data, type DataOptions, openData } from './data.js';
import { DEFAULT_RECIPE } from './distill.js';
import { interruption } from './interruption.js';
import { integer, parsed } from './numbers.js';
import { checkOnSample, describeFigures, type FoundModel, findModel, judgeOnSample, openSample } from './onnxModel.js';
import { compilationLines } from './progress.js';

/** Images that a teacher is judged on: enough to tell a wrong mapping from a right one. */
const SAMPLE = 64;
const MAX_SAMPLE = 1_000_000;

interface TeachOptions extends AdapterOptions, DataOptions {
  mapping: string;
  out?: string;
  check?: boolean;
  sample: number;
  width?: number;
  height?: number;
  epochs: number;
  batch: number;
  seed: number;
  augment: boolean;
}

/** `edgewise teach MODEL.onnx DATA --mapping FILE --out FOLDER` */
export function addTeach(program: Command): void {
  const { epochs, batch, seed } = DEFAULT_SETTINGS;
  const command = program
    .command('teach')
    .description('make an ONNX detector a teacher: keep its logits for the images of trainings to come (docs/onnx.md)')
    .argument('<model>', 'an .onnx file')
    .argument('<data>', DATA_HELP)
    .requiredOption('--mapping <file>', 'which of its tensors are what (.json)')
    .option('--out <folder>', 'the teacher: --teacher of distill')
    .option('--check', 'make no teacher, but try what the mapping may have wrong, and say which is best')
    .option('--sample <n>', 'images of val that the teacher is judged on; 0: none', integer(0, MAX_SAMPLE), SAMPLE)
    .option(
      '--width <pixels>',
      "its input; default: the model's, or the largest image's in whole strides",
      parsed.width,
    )
    .option('--height <pixels>', 'likewise', parsed.height)
    .option('--epochs <n>', 'of the trainings; 0: keep nothing yet', integer(0, MAX_SETTINGS.epochs), epochs)
    .option('--batch <n>', 'images a step of the trainings', parsed.batch, batch)
    .option('--seed <n>', 'of the trainings', parsed.seed, seed)
    .option('--no-augment', 'for trainings on the images as they are')
    .option('--images <n>', 'how many images of "shapes" to generate', parsed.images);
  prints(addDeviceOptions(addDataOptions(command)), teach);
}

async function teach(model: string, data: string, options: TeachOptions, command: Command): Promise<Outcome> {
  const { out, sample: count } = options;
  if (options.check && count === 0) return command.error('error: --check needs images: --sample of at least 1');
  if (!options.check && out === undefined) return command.error('error: give --out FOLDER, or --check');
  const started = performance.now();
  const train = await openData(data, 'train', options);
  const found = await findModel(model, options.mapping, train, options);
  mapClasses(found.mapping, namesOf(train.source));
  const sample = count > 0 ? await openSample(train, options) : null;
  if (options.check && sample) return checkOnSample(found, options.mapping, sample, count);

  const folder = out ?? '';
  // Told before anything runs.
  await holdsTeacher({ folder, mapping: found.mapping, width: found.width, height: found.height }, found.model);
  const figures = sample && (await judgeOnSample(found, sample, count));
  const { computed, interrupted } = await fill(folder, found, train, options);
  const seconds = (performance.now() - started) / 1000;
  const { epochs } = options;
  const { width, height } = found;
  const json = { teacher: folder, width, height, epochs, computed, seconds, interrupted, sample: figures };
  if (interrupted) {
    return {
      data: json,
      text: `Interrupted: ${computed} epochs computed; give the same command again to go on in ${folder}.`,
    };
  }
  const lines = [
    `Taught: ${folder}, ${computed} of ${epochs} epochs computed in ${seconds.toFixed(0)} s`,
    ...(figures ? [`On ${figures.images} images of ${figures.split}: ${describeFigures(figures)}`] : []),
    `Go on with ${await nextCommand(folder, found, { data, train, options, hasVal: sample?.split === 'val' })}`,
  ];
  return { data: json, text: lines.join('\n') };
}

/** Makes the teacher's folder and what it keeps. @returns epochs computed, and whether a signal stopped it */
async function fill(
  folder: string,
  found: FoundModel,
  train: Data,
  options: TeachOptions,
): Promise<{ computed: number; interrupted: boolean }> {
  const { epochs, batch, seed, augment } = options;
  const { mapping, width, height } = found;
  return withDevice(options, async (device) => {
    const open = await OnnxTeacher.open(device, { ...found, classes: namesOf(train.source) });
    const { signal, dispose } = interruption();
    try {
      // A model that nobody has judged is told here, before there is a folder.
      if (options.sample === 0) await open.model.run(new Float32Array(3 * width * height), 1);
      const teacher = { folder, mapping, width, height };
      await createTeacherFolder(teacher, found.model);
      const computed = await fillTeacherCache(cacheOfFolder(teacher), open, {
        settings: { epochs, batch, seed, augment },
        source: train.source,
        onCompile: compilationLines(),
        onProgress: counter('filled', 'batches'),
        onWarning: tell,
        signal,
      });
      return { computed, interrupted: signal.aborted };
    } finally {
      dispose();
      await open.release();
    }
  });
}

/** The `distill` that finds the logits of this teacher; a recipe's file is written where no shipped one fits. */
async function nextCommand(
  folder: string,
  { mapping }: FoundModel,
  { data, train, options, hasVal }: { data: string; train: Data; options: TeachOptions; hasVal: boolean },
): Promise<string> {
  const { epochs, batch, seed, augment, images, checkImages, skipBrokenImages } = options;
  const words = ['edgewise', 'distill', data, '--teacher', folder];
  // Without epochs that are kept, a training takes as many as it likes.
  if (epochs > 0) words.push('--epochs', `${epochs}`);
  words.push('--batch', `${batch}`, '--seed', `${seed}`);
  if (!augment) words.push('--no-augment');
  if (images !== undefined) words.push('--images', `${images}`);
  if (skipBrokenImages) words.push('--skip-broken-images');
  if (checkImages === false) words.push('--no-check-images');
  if (!hasVal) words.push('--evaluate-every', '0');
  const names = namesOf(train.source);
  const isComplete = !mapClasses(mapping, names).includes(null);
  const { ld, kd, regions } = resolveRecipe(DEFAULT_RECIPE);
  if (!isComplete || mapping.centreOffset !== regions.centreOffset) {
    const file = join(folder, 'recipe.json');
    const recipe: PartialRecipe = {
      name: 'onnx',
      ld: { main: ld.main, vlr: ld.vlr },
      // Of a class that the teacher does not know, class distillation would teach that there is none.
      ...(isComplete && { kd: { main: kd.main, weightPer: kd.weightPer } }),
      regions: { centreOffset: mapping.centreOffset },
    };
    await writeWhole(file, `${JSON.stringify(recipe, null, 2)}\n`);
    words.push('--recipe', file);
  }
  return words.map(quoted).join(' ');
}

/** For a shell. */
function quoted(word: string): string {
  return /^[\w@%+=:,./\\-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function namesOf({ classes }: ImageSource): string[] {
  return classes.map(({ name }) => name);
}
