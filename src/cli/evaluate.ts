import { dirname } from 'node:path';
import { type Command, Option } from 'commander';
import { readCoco } from '../data/coco.js';
import type { Detector } from '../detector/detector.js';
import { type AveragePrecision, averagePrecision, STATISTICS } from '../eval/averagePrecision.js';
import { readDetections } from '../eval/detections.js';
import { type Checkpoint, loadCheckpoint, restoreDetector } from '../train/checkpoint.js';
import { evaluate as evaluateDetector } from '../train/evaluate.js';
import { measureRun, type RunMeasures, writeMeasures } from '../train/measures.js';
import { readRun } from '../train/runFolder.js';
import { DeviceError } from '../util/error.js';
import { decimals, percent } from '../util/figures.js';
import { tell } from '../util/terminal.js';
import { type AdapterOptions, addDeviceOptions, type Outcome, prints, withDevice } from './command.js';
import { addDataOptions, assertClassesOf, DATA_HELP, type DataOptions, openData, SPLITS, type Split } from './data.js';
import { parsed } from './numbers.js';
import { table } from './table.js';

interface EvaluateOptions extends AdapterOptions, DataOptions {
  annotations?: string;
  detections?: string;
  split: Split;
  measures?: boolean;
}

/** `edgewise evaluate RUN DATA` and `edgewise evaluate --annotations F --detections F` */
export function addEvaluate(program: Command): void {
  const command = program
    .command('evaluate')
    .description('COCO average precision of a trained detector, or of a file of detections')
    .argument('[run]', 'folder of a training, or one of its .safetensors files')
    .argument('[data]', DATA_HELP)
    .addOption(new Option('--split <name>', 'part of the data').choices(SPLITS).default('val'))
    .option('--images <n>', 'how many images of "shapes" to generate', parsed.images)
    .option(
      '--measures',
      "write measures.json into the run's folder: the figures, precision against recall, how far it is from its teacher, and whether flat edges are uncertain ones",
    )
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
    return evaluateRun(run, data, options);
  }
  return command.error('error: give either RUN and DATA, or --annotations and --detections');
}

async function evaluateRun(run: string, data: string, options: EvaluateOptions): Promise<Outcome> {
  const checkpoint = await loadCheckpoint(run);
  const classes = checkpoint.metadata.classes.map(({ name }) => name);
  const opened = await openData(data, options.split, { ...options, classes });
  assertClassesOf(checkpoint, opened);
  const { source } = opened;
  return withDevice(options, async (device) => {
    const detector = restoreDetector(device, checkpoint, 'average');
    try {
      const { recipe } = checkpoint.metadata;
      if (options.measures) return await measure(detector, { source, recipe, split: options.split }, checkpoint);
      const found = await evaluateDetector(detector, { source, recipe });
      if (!found) throw new DeviceError('The evaluation was interrupted.');
      return describe(found.averagePrecision);
    } finally {
      detector.dispose();
    }
  });
}

/** Measures a run with the teacher that its `run.json` names, and keeps what was found in its folder. */
async function measure(
  detector: Detector,
  options: Parameters<typeof measureRun>[1],
  { file }: Checkpoint,
): Promise<Outcome> {
  const folder = dirname(file);
  const { teacherRun } = await readRun(folder);
  const teacher =
    teacherRun === null
      ? null
      : restoreDetector(detector.parameters.device, await loadCheckpoint(teacherRun), 'average');
  try {
    const found = await measureRun(detector, { ...options, ...(teacher && { teacher }) });
    if (!found) throw new DeviceError('The evaluation was interrupted.');
    await writeMeasures(folder, found);
    return describeMeasures(found);
  } finally {
    teacher?.dispose();
  }
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
