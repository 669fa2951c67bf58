import { type Command, InvalidArgumentError, Option } from 'commander';
import type { DetectorConfig, DetectorSize } from '../detector/config.js';
import { graphWorkloads } from '../onnx/graph/workloads.js';
import type { Device } from '../tensor/device.js';
import type { StoredType } from '../tensor/stored.js';
import type { ChoiceReport } from '../tensor/tune.js';
import { trainingWorkloads } from '../train/workloads.js';
import { decimals } from '../util/figures.js';
import { tell } from '../util/terminal.js';
import { type AdapterOptions, adapterOption, type Outcome, prints, withDevice } from './command.js';
import { parsed } from './numbers.js';
import { table } from './table.js';
import { configOf } from './training.js';
import { SIZES } from './trainingOptions.js';

interface TuneOptions extends AdapterOptions {
  size: DetectorSize;
  imageSize: { width: number; height: number };
  batch: number;
  classes: number;
  strides: number[];
  bins: number;
  precision: StoredType;
}

/** `edgewise tune` */
export function addTune(program: Command): void {
  const command = program
    .command('tune')
    .description(
      'measure the variants of the kernels on this adapter, and keep the fastest for all commands and programs',
    )
    .addOption(new Option('--size <name>', 'detector to tune for').choices(SIZES).default('small'))
    .option('--image-size <WxH>', "network's input in pixels, rounded up to whole strides", extent, extent('320x240'))
    .option('--batch <n>', 'images a step', parsed.batch, 8)
    .option('--classes <n>', 'classes', parsed.classes, 80)
    .option('--strides <list>', 'pixels a cell of each level', parsed.strides, [8, 16, 32])
    .option('--bins <n>', "bins of each edge's distribution", parsed.bins, 17)
    .addOption(
      new Option('--precision <type>', 'what the trainings that it is for store maps in')
        .choices(['f32', 'f16'])
        .default('f32'),
    )
    .addOption(adapterOption());
  prints(command, (options: TuneOptions) => {
    const { imageSize, size, precision, ...rest } = options;
    const config = configOf({ size }, { ...rest, ...imageSize });
    return withDevice({ ...options, tune: false }, (device) => tune(device, config, options.batch, precision));
  });
}

async function tune(device: Device, config: DetectorConfig, batch: number, precision: StoredType): Promise<Outcome> {
  const started = performance.now();
  const { size, width, height } = config;
  tell(
    `Adapter: ${device.adapter.name}; detector ${size}, ${batch} images of ${width}×${height}, maps of ${precision}`,
  );
  const parts = [
    trainingWorkloads(device, config, batch, { precision }),
    graphWorkloads(device, config, batch, { precision }),
  ];
  const workloads = parts.flatMap((part) => part.workloads);
  try {
    const measured = await device.tune(workloads, {
      onProgress: (choice, done, of) => tell(`measuring ${choice} (${done + 1} of ${of})`),
    });
    const seconds = (performance.now() - started) / 1000;
    const file = device.tuningFile;
    const data = { adapter: device.adapter.name, choices: device.choices, measured, file, seconds };
    return { data, text: describeTuning(data) };
  } finally {
    for (const { dispose } of parts) dispose();
  }
}

/** What `--json` prints, as text: a table of all values, those that are taken marked, and where they are kept. */
export function describeTuning({
  measured,
  file,
  seconds,
}: {
  measured: readonly ChoiceReport[];
  file: string | null;
  seconds: number;
}): string {
  const rows = measured.flatMap(({ choice, values, standard, chosen }) =>
    values.map(({ value, milliseconds, refused }, index) => [
      index === 0 ? choice : '',
      String(value),
      decimals(milliseconds, 2),
      refused ? 'REFUSED' : [value === standard ? 'default' : '', value === chosen ? 'chosen' : ''].join(' ').trim(),
    ]),
  );
  return `${table([['choice', 'value', 'ms', ''], ...rows])}\n\nKept in ${file}; ${seconds.toFixed(0)} s`;
}

function extent(text: string): { width: number; height: number } {
  const [, width, height] = /^(\d+)x(\d+)$/.exec(text) ?? [];
  if (!(Number(width) > 0 && Number(height) > 0)) {
    throw new InvalidArgumentError('Expected width and height in pixels, such as 320x240.');
  }
  return { width: parsed.width(width), height: parsed.height(height) };
}
