import type { Command } from 'commander';
import { cacheOfFolder, createTeacherFolder } from '../onnx/folder.js';
import { readMapping } from '../onnx/mapping.js';
import { fixedSizeOf } from '../onnx/outputs.js';
import { readModel } from '../onnx/readModel.js';
import { OnnxTeacher } from '../onnx/teacher.js';
import { fillTeacherCache } from '../train/fillCache.js';
import { DEFAULT_SETTINGS, MAX_SETTINGS } from '../train/settings.js';
import { InputError } from '../util/error.js';
import { tell } from '../util/terminal.js';
import { type AdapterOptions, addDeviceOptions, type Outcome, prints, withDevice } from './command.js';
import { addDataOptions, DATA_HELP, type DataOptions, openData } from './data.js';
import { interruption } from './interruption.js';
import { integer, parsed } from './numbers.js';

interface TeachOptions extends AdapterOptions, DataOptions {
  mapping: string;
  out: string;
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
    .requiredOption('--out <folder>', 'the teacher: --teacher of distill')
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

async function teach(model: string, data: string, options: TeachOptions): Promise<Outcome> {
  const started = performance.now();
  const { out, epochs, batch, seed, augment } = options;
  const mapping = await readMapping(options.mapping);
  const read = await readModel(model);
  const opened = await openData(data, 'train', options);
  const largest = Math.max(...mapping.strides);
  const whole = (pixels: number) => Math.ceil(pixels / largest) * largest;
  const fixed = await fixedSizeOf(read.model, read.name);
  const { width = fixed?.width ?? whole(opened.width), height = fixed?.height ?? whole(opened.height) } = options;
  for (const [name, extent] of Object.entries({ width, height })) {
    if (extent % largest !== 0) {
      throw new InputError(
        `${name} is ${extent}; expected a multiple of the largest stride, ${largest}. Export the model for ${whole(extent)}.`,
      );
    }
  }
  const teacher = { folder: out, mapping, width, height };
  return withDevice(options, async (device) => {
    const classes = opened.source.classes.map(({ name }) => name);
    const open = await OnnxTeacher.open(device, { ...read, mapping, classes, width, height });
    const { signal, dispose } = interruption();
    try {
      // A mapping that does not fit is told before there is a folder.
      await open.model.run(new Float32Array(3 * width * height), 1);
      await createTeacherFolder(teacher, read.model);
      const computed = await fillTeacherCache(cacheOfFolder(teacher), open, {
        settings: { epochs, batch, seed, augment },
        source: opened.source,
        onProgress: (done, of) => {
          if (process.stderr.isTTY) process.stderr.write(`\rbatch ${done} of ${of}${done === of ? '\n' : ''}`);
        },
        onWarning: tell,
        signal,
      });
      const seconds = (performance.now() - started) / 1000;
      const rest = [augment ? '' : ' --no-augment', options.images === undefined ? '' : ` --images ${options.images}`];
      const fitting = `edgewise distill ${data} --teacher ${out} --epochs ${epochs} --batch ${batch} --seed ${seed}${rest.join('')}`;
      const found = { teacher: out, width, height, epochs, computed, seconds, interrupted: signal.aborted };
      const text = signal.aborted
        ? `Interrupted: ${computed} epochs computed; give the same command again to go on in ${out}.`
        : `Taught: ${out}, ${computed} of ${epochs} epochs computed in ${seconds.toFixed(0)} s\nGo on with ${fitting}`;
      return { data: found, text };
    } finally {
      dispose();
      await open.release();
    }
  });
}
