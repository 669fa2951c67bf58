import { basename, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { CollectOptions } from '../report/collect.js';
import type { Device } from '../tensor/device.js';
import { InputError } from '../util/error.js';
import { loadSharp } from '../util/sharp.js';
import { tell } from '../util/terminal.js';
import { type AdapterOptions, addDeviceOptions, type Outcome, prints, withDevice } from './command.js';
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
import { integer, parsed } from './numbers.js';

interface ReportOptions extends AdapterOptions, DataOptions {
  data?: string;
  split: Split;
  image?: number;
  out: string;
}

/** `edgewise report RUN|STUDY... [--data DATA]` */
export function addReport(program: Command): void {
  const command = program
    .command('report')
    .description('one HTML file with tables and figures of trainings or a study, and every figure as SVG and PNG')
    .argument('<runs...>', 'folders of trainings (the teacher’s too, unless they name it), or of a study')
    .option('--data <data>', `${DATA_HELP}; default: the runs'`)
    .addOption(new Option('--split <name>', 'part of the data').choices(SPLITS).default('val'))
    .option('--images <n>', 'how many images of "shapes" to generate', parsed.images)
    .option(
      '--image <id>',
      'id of the image to draw on, instead of the one chosen by rule',
      integer(0, Number.MAX_SAFE_INTEGER),
    )
    .option('--out <file>', 'where the page goes; its figures go beside it', 'report.html');
  prints(addDeviceOptions(addDataOptions(command)), report);
}

async function report(folders: string[], options: ReportOptions): Promise<Outcome> {
  await loadSharp(); // told before anything is evaluated
  const { openInputs } = await import('../report/index.js');
  const { runs } = await openInputs(folders);
  const data = options.data ?? runs.find(({ description }) => description.data !== null)?.description.data;
  if (data === undefined || data === null) {
    throw new InputError('data: the runs do not say what they were trained on; give --data with the folder.');
  }
  const opened = await openData(data, options.split, {
    ...options,
    classes: runs[0]?.checkpoint.metadata.classes.map(({ name }) => name) ?? [],
  });
  for (const { checkpoint } of runs) assertClassesOf(checkpoint, opened);
  const page = resolve(options.out);
  const image = options.image === undefined ? {} : { image: options.image };
  const { figures, ids } = await withDevice(options, (device) =>
    reportRuns(device, { folders, data: opened, page, ...image }),
  );
  return { data: { page, figures, ids }, text: `${options.out}\n${basename(figures)}/: ${ids.join(', ')}` };
}

interface RunReport extends Pick<CollectOptions, 'image' | 'candidates'> {
  /** Of runs, or of a study. */
  folders: readonly string[];
  data: Data;
  /** Where it goes. */
  page: string;
  /** Whether each figure is written beside it, as SVG and PNG; true unless given. */
  withFigures?: boolean;
}

/** Writes the page and its figures. @returns the figures' folder and names */
export async function reportRuns(
  device: Device,
  { folders, data, page, withFigures = true, ...options }: RunReport,
): Promise<{ figures: string; ids: string[] }> {
  // Loaded only here: the charts' library is larger than all the rest.
  const { collect, figuresFolder, makeReport, openInputs, writeReport } = await import('../report/index.js');
  const { source, name, split } = data;
  const collected = await collect(device, {
    ...(await openInputs(folders)),
    source,
    data: { name, split },
    title: `Localization distillation on ${name}`,
    onProgress: (doing) => tell(`report: ${doing}`),
    ...options,
  });
  const { html, figures } = makeReport(collected);
  await writeReport(page, html, withFigures ? figures : []);
  return { figures: figuresFolder(page), ids: figures.map(({ id }) => id) };
}
