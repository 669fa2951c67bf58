import { type Command, Option } from 'commander';
import { readCoco } from '../data/coco.js';
import { type AveragePrecision, averagePrecision, STATISTICS } from '../eval/averagePrecision.js';
import { readDetections } from '../eval/detections.js';
import { DeviceError } from '../gpu/error.js';
import { loadCheckpoint, restoreDetector } from '../train/checkpoint.js';
import { evaluate as evaluateDetector } from '../train/evaluate.js';
import { type AdapterOptions, addDeviceOptions, integer, type Outcome, prints, withDevice } from './command.js';
import { assertSameClasses, DATA_HELP, openData, SPLITS, type Split } from './data.js';
import { table } from './table.js';

interface EvaluateOptions extends AdapterOptions {
  annotations?: string;
  detections?: string;
  split: Split;
  images?: number;
}

/** `edgewise evaluate RUN DATA` and `edgewise evaluate --annotations F --detections F` */
export function addEvaluate(program: Command): void {
  const command = program
    .command('evaluate')
    .description('COCO average precision of a trained detector, or of a file of detections')
    .argument('[run]', 'folder of a training, or one of its .safetensors files')
    .argument('[data]', DATA_HELP)
    .addOption(new Option('--split <name>', 'part of the data').choices(SPLITS).default('val'))
    .option('--images <n>', 'how many images of "shapes" to generate', integer(1))
    .option('--annotations <file>', 'instead of RUN and DATA: COCO annotations (JSON) …')
    .option('--detections <file>', '… and detections, a JSON array of {image_id, category_id, bbox, score}');
  prints(addDeviceOptions(command), evaluate);
}

async function evaluate(
  run: string | undefined,
  data: string | undefined,
  options: EvaluateOptions,
  command: Command,
): Promise<Outcome> {
  const { annotations, detections } = options;
  if (run === undefined && data === undefined && annotations !== undefined && detections !== undefined) {
    const { truth } = await readCoco(annotations);
    return describe(averagePrecision(truth, await readDetections(detections, truth)));
  }
  if (run !== undefined && data !== undefined && annotations === undefined && detections === undefined) {
    return evaluateRun(run, data, options);
  }
  return command.error('error: give either RUN and DATA, or --annotations and --detections');
}

async function evaluateRun(run: string, data: string, options: EvaluateOptions): Promise<Outcome> {
  const checkpoint = await loadCheckpoint(run);
  const { source } = await openData(data, options.split, options.images);
  assertSameClasses(checkpoint, source);
  return withDevice(options, async (device) => {
    const detector = restoreDetector(device, checkpoint, 'average');
    try {
      const found = await evaluateDetector(detector, { source, recipe: checkpoint.metadata.recipe });
      if (!found) throw new DeviceError('The evaluation was interrupted.');
      return describe(found.averagePrecision);
    } finally {
      detector.dispose();
    }
  });
}

function describe({ stats, perClass }: AveragePrecision): Outcome {
  const figure = (value: number) => (value < 0 ? '–' : (100 * value).toFixed(1));
  const text = [
    table([STATISTICS, stats.map(figure)]),
    table([['class', 'AP'], ...Object.entries(perClass).map(([name, ap]) => [name, figure(ap)])]),
  ];
  return { data: { stats, perClass }, text: text.join('\n\n') };
}
