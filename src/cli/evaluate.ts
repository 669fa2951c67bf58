import { basename, dirname, extname, join } from 'node:path';
import { type Command, Option } from 'commander';
import { readCoco } from '../data/coco.js';
import type { DetectionNet } from '../detector/net.js';
import { type AveragePrecision, averagePrecision, STATISTICS } from '../eval/averagePrecision.js';
import { readDetections } from '../eval/detections.js';
import { isTeacherFolder, readTeacherFolder, readTeacherModel } from '../onnx/folder.js';
import { mapClasses } from '../onnx/mapping.js';
import { restoreNet } from '../onnx/students.js';
import { OnnxTeacher } from '../onnx/teacher.js';
import { type Checkpoint, loadCheckpoint } from '../train/checkpoint.js';
import { type Evaluation, evaluate as evaluateNet } from '../train/evaluate.js';
import { MEASURES, measureRun, type RunMeasures, writeMeasures } from '../train/measures.js';
import { readRun } from '../train/runFolder.js';
import { DeviceError } from '../util/error.js';
import { decimals, percent } from '../util/figures.js';
import { tell } from '../util/terminal.js';
import { type AdapterOptions, addDeviceOptions, type Outcome, prints, withDevice } from './command.js';
import { counter } from './counter.js';
import {
  addDataOptions,
  assertClassesOf,
  DATA_HELP,
  type Data,
  type DataOptions,
  openData,
  SPLITS,
  type Split,
} from './data.js';
import { parsed } from './numbers.js';
import { type FoundModel, findModel } from './onnxModel.js';
import { compilationLines } from './progress.js';
import { table } from './table.js';
import { findOnnxTeacher, findTeacher, isOnnx } from './teacher.js';

interface EvaluateOptions extends AdapterOptions, DataOptions {
  annotations?: string;
  detections?: string;
  split: Split;
  measures?: boolean;
  mapping?: string;
  width?: number;
  height?: number;
}

/** `edgewise evaluate RUN DATA` and `edgewise evaluate --annotations F --detections F` */
export function addEvaluate(program: Command): void {
  const command = program
    .command('evaluate')
    .description('COCO average precision of a trained detector, of an ONNX teacher, or of a file of detections')
    .argument(
      '[run]',
      'folder of a training, one of its .safetensors files, folder of edgewise teach, or an .onnx file',
    )
    .argument('[data]', DATA_HELP)
    .addOption(new Option('--split <name>', 'part of the data').choices(SPLITS).default('val'))
    .option('--images <n>', 'how many images of "shapes" to generate', parsed.images)
    .option(
      '--measures',
      "write measures.json into the run's folder (of an .onnx file: FILE.measures.json): the figures, precision against recall, how far it is from its teacher, and whether flat edges are uncertain ones",
    )
    .option('--mapping <file>', 'of an .onnx file: which of its tensors are what (.json)')
    .option('--width <pixels>', "of an .onnx file whose size is open; default: the largest image's", parsed.width)
    .option('--height <pixels>', 'likewise', parsed.height)
    .option('--annotations <file>', 'instead of RUN and DATA: COCO annotations (JSON) …')
    .option('--detections <file>', '… and detections, a JSON array of {image_id, category_id, bbox, score}');
  prints(addDeviceOptions(addDataOptions(command)), evaluate);
}

async function evaluate(
  run: string | undefined,
  data: string | undefined,
  options: EvaluateOptions,
  command: Command,
): Promise<Outcome> {
  const { annotations, detections } = options;
  if (run === undefined && data === undefined && annotations !== undefined && detections !== undefined) {
    const { truth, notices, boxFault } = await readCoco(annotations);
    for (const notice of [...notices, boxFault ?? []].flat()) tell(`${annotations}: ${notice}`);
    return describe(averagePrecision(truth, await readDetections(detections, truth, tell)));
  }
  if (run !== undefined && data !== undefined && annotations === undefined && detections === undefined) {
    if (options.mapping !== undefined || extname(run) === '.onnx') {
      if (options.mapping === undefined) return command.error('error: an .onnx file needs --mapping FILE');
      return evaluateModel(run, data, { ...options, mapping: options.mapping });
    }
    return (await isTeacherFolder(run)) ? evaluateFolder(run, data, options) : evaluateRun(run, data, options);
  }
  return command.error('error: give either RUN and DATA, or --annotations and --detections');
}

/** An .onnx file. */
async function evaluateModel(
  file: string,
  data: string,
  options: EvaluateOptions & { mapping: string },
): Promise<Outcome> {
  const opened = await openData(data, options.split, options);
  const found = await findModel(file, options.mapping, opened, options);
  return evaluateTeacher(found, opened, { ...options, measuresFile: `${file}.measures.json` });
}

/** A folder of `edgewise teach`. */
async function evaluateFolder(folder: string, data: string, options: EvaluateOptions): Promise<Outcome> {
  const { mapping, width, height } = await readTeacherFolder(folder);
  const opened = await openData(data, options.split, options);
  const found = { ...(await readTeacherModel(folder)), mapping, width, height };
  return evaluateTeacher(found, opened, { ...options, measuresFile: join(folder, MEASURES) });
}

async function evaluateTeacher(
  found: FoundModel,
  { source }: Data,
  { measures, measuresFile, split, ...options }: EvaluateOptions & { measuresFile: string },
): Promise<Outcome> {
  const classes = source.classes.map(({ name }) => name);
  const unknown = classes.filter((_, i) => mapClasses(found.mapping, classes)[i] === null);
  if (unknown.length > 0) tell(`The model does not know ${unknown.join(', ')}; it cannot find them.`);
  return withDevice(options, async (device) => {
    const teacher = await OnnxTeacher.open(device, { ...found, classes });
    try {
      const onProgress = counter('evaluated', 'images');
      if (!measures) return describe((await evaluated(teacher, { source, onProgress })).averagePrecision);
      return await measureInto(measuresFile, teacher, { source, split, onProgress });
    } finally {
      await teacher.release();
    }
  });
}

async function evaluateRun(run: string, data: string, options: EvaluateOptions): Promise<Outcome> {
  const checkpoint = await loadCheckpoint(run);
  const classes = checkpoint.metadata.classes.map(({ name }) => name);
  const opened = await openData(data, options.split, { ...options, classes });
  assertClassesOf(checkpoint, opened);
  const { source } = opened;
  return withDevice(options, async (device) => {
    const net = await restoreNet(device, checkpoint, 'average');
    try {
      const work = { source, recipe: checkpoint.metadata.recipe, onProgress: counter('evaluated', 'images') };
      if (options.measures) return await measure(net, { ...work, split: options.split }, checkpoint);
      return describe((await evaluated(net, work)).averagePrecision);
    } finally {
      net.dispose();
    }
  });
}

/** Measures a run with the teacher that its `run.json` names, and keeps what was found in its folder. */
async function measure(
  net: DetectionNet,
  options: Parameters<typeof measureRun>[1],
  { file }: Checkpoint,
): Promise<Outcome> {
  const folder = dirname(file);
  const { teacherRun, teacherMapping } = await readRun(folder);
  const found =
    teacherRun === null
      ? null
      : isOnnx(teacherRun, teacherMapping)
        ? await findOnnxTeacher(teacherRun, teacherMapping, net.config, net.config)
        : await findTeacher(teacherRun);
  const opened = await found?.open(net.parameters.device, options.source);
  try {
    return await measureInto(join(folder, MEASURES), net, {
      ...options,
      ...(opened && { teacher: opened.teacher }),
    });
  } finally {
    await opened?.close();
  }
}

async function evaluated(...[net, options]: Parameters<typeof evaluateNet>): Promise<Evaluation> {
  const found = await evaluateNet(net, { onCompile: compilationLines(), ...options });
  if (!found) throw new DeviceError('The evaluation was interrupted.');
  return found;
}

/** Measures and writes; what was measured is shown even if it cannot be written. */
async function measureInto(file: string, ...[net, options]: Parameters<typeof measureRun>): Promise<Outcome> {
  const found = await measureRun(net, { onCompile: compilationLines(), ...options });
  if (!found) throw new DeviceError('The evaluation was interrupted.');
  try {
    await writeMeasures(dirname(file), found, basename(file));
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    tell(`edgewise: ${error.message}`);
    return { ...describeMeasures(found), failed: true };
  }
  return describeMeasures(found);
}

function describeMeasures(measures: RunMeasures): Outcome {
  const { stats, perClass, agreement, calibration } = measures;
  const classes = Object.entries(perClass).map(([name, { AP }]) => [name, AP] as const);
  const found = { stats: STATISTICS.map((name) => stats[name]), perClass: Object.fromEntries(classes) };
  const lines = [
    describe(found).text,
    `Edges: the rank correlation of spread and error is ${decimals(calibration.edges > 0 ? calibration.spearman : null, 2)} over ${calibration.edges} edges.`,
  ];
  if (agreement) {
    const { locations, localizationError, totalVariation, classificationError } = agreement.all;
    const figures = [localizationError, totalVariation, classificationError].map((value) =>
      decimals(locations > 0 ? value : null, 3),
    );
    lines.push(
      `Teacher: localization error ${figures[0]} strides, total variation ${figures[1]}, class error ${figures[2]}.`,
    );
  }
  return { data: measures, text: lines.join('\n\n') };
}

function describe({ stats, perClass }: Pick<AveragePrecision, 'stats' | 'perClass'>): Outcome {
  const text = [
    table([STATISTICS, stats.map(percent)]),
    table([['class', 'AP'], ...Object.entries(perClass).map(([name, ap]) => [name, percent(ap)])]),
  ];
  return { data: { stats, perClass }, text: text.join('\n\n') };
}
