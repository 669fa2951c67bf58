/**
 * `npm run bench:gpu`: golden cases, tuning, peaks and the main rows of one adapter, in one JSON file of bench/results/ that whoever has
 * a GPU can send us. A few minutes; what cannot be run on the adapter is left out and named.
 */
import { readdirSync } from 'node:fs';
import { Command, Option } from 'commander';
import { table } from '../src/cli/table.js';
import { loadGoldenCase } from '../src/eval/goldenCase.js';
import { checkGoldenCase } from '../src/eval/goldenCheck.js';
import type { AdapterPreference } from '../src/gpu/adapter.js';
import type { Choices } from '../src/gpu/choices.js';
import { type Device, openDevice } from '../src/tensor/device.js';
import { trainingWorkloads } from '../src/train/workloads.js';
import { writeGpuResults } from './files.js';
import { QUICK } from './measure.js';
import { measurePeaks, type Peaks } from './peaks.js';
import { formatReport, type Report } from './report.js';
import { ROWS } from './rows/index.js';
import { runBench } from './run.js';

/** What `npm run bench:gpu` writes. */
export interface GpuReport extends Report {
  /** Golden cases that agree, and those that do not. */
  verify: { passed: string[]; failed: string[] };
  /** What `edgewise tune` would keep; the rows ran with it. */
  choices: Choices;
  peaks: Peaks;
  /** By row: GFLOP/s over the peak of multiply-adds, and GB/s over that of a copy; null where a row has none. */
  shares: Record<string, { compute: number | null; copy: number | null }>;
}

const GOLDEN = readdirSync('test/golden', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.safetensors'))
  .sort();
const MAIN_ROWS = [
  ...['head-loss', 'head-loss-bckd', 'head-loss-yolov8', 'head-loss-nanodet-plus', 'regions', 'rows-ld-dfl'],
  ...['train-step', 'train-step-ld', 'conv3x3-64-forward', 'conv3x3-64-input-gradient', 'conv3x3-64-weight-gradient'],
  ...['conv1x1-64-forward', 'group-norm'],
];
/** The detector that is tuned for: that of the row train-step. */
const TUNED = { size: 'small', classes: 3, width: 320, height: 256, strides: [8, 16, 32], bins: 17 } as const;

interface GpuOptions {
  /** Names of rows. */
  rows?: readonly string[];
  /** Files of test/golden/. */
  golden?: readonly string[];
  /** Whether to measure the variants of kernels first. */
  tune?: boolean;
}

/** Measures an adapter. @param progress is told what is measured now */
export async function measureGpu(
  adapter: AdapterPreference,
  progress: (text: string) => void,
  { rows = MAIN_ROWS, golden = GOLDEN, tune = true }: GpuOptions = {},
): Promise<GpuReport> {
  const device = await openDevice({ adapter, tune: false });
  progress('golden cases');
  const verify = await verified(device, golden);
  progress('peaks');
  const peaks = await measurePeaks(device);
  if (tune) await tuned(device, progress);
  const { choices } = device;
  await device.close();
  const chosen = ROWS.filter(({ name }) => rows.includes(name));
  const options = { rows: chosen, plan: QUICK, adapter, peers: false, kernels: true, curves: false, readme: false };
  const report = await runBench({ ...options, json: true, choices }, [], progress);
  const shares = Object.fromEntries(
    report.rows.map(({ name, gigaflops, gigabytesPerSecond }) => [
      name,
      {
        compute: gigaflops === null ? null : gigaflops / peaks.gigaflops,
        copy: gigabytesPerSecond === null ? null : gigabytesPerSecond / peaks.gigabytesPerSecond,
      },
    ]),
  );
  return { ...report, command: 'npm run bench:gpu', verify, choices, peaks, shares };
}

async function verified(device: Device, files: readonly string[]): Promise<GpuReport['verify']> {
  const verify: GpuReport['verify'] = { passed: [], failed: [] };
  for (const file of files) {
    const found = await checkGoldenCase(device, await loadGoldenCase(`test/golden/${file}`));
    (found.every(({ passed }) => passed) ? verify.passed : verify.failed).push(file.replace('.safetensors', ''));
  }
  return verify;
}

async function tuned(device: Device, progress: (text: string) => void): Promise<void> {
  const { workloads, dispose } = trainingWorkloads(device, { ...TUNED, strides: [...TUNED.strides] }, 8);
  try {
    await device.tune(workloads, {
      onProgress: (choice, done, of) => progress(`tuning ${choice} (${done + 1} of ${of})`),
    });
  } finally {
    dispose();
  }
}

/** The report as text. */
export function formatGpu(report: GpuReport): string {
  const { verify, peaks, shares, choices } = report;
  const percent = (share: number | null) => (share === null ? '–' : `${(100 * share).toFixed(0)} %`);
  const rows = Object.entries(shares).map(([name, { compute, copy }]) => [name, percent(compute), percent(copy)]);
  return [
    formatReport(report),
    table([['row', 'of the FMA peak', "of a copy's GB/s"], ...rows]),
    [
      `Peaks: ${peaks.gigaflops.toFixed(0)} GFLOP/s of multiply-adds, ${peaks.gigabytesPerSecond.toFixed(0)} GB/s of a copy.`,
      `Golden cases: ${verify.passed.length} passed, ${verify.failed.length} failed${verify.failed.map((name) => ` ${name}`).join('')}.`,
      `Choices: ${Object.entries(choices)
        .map(([name, value]) => `${name} ${value}`)
        .join(', ')}.`,
    ].join('\n'),
  ].join('\n\n');
}

/** The command. */
export async function main(args: readonly string[]): Promise<void> {
  const command = new Command('npm run bench:gpu --')
    .description('Golden cases, tuning, peaks and the main rows of one adapter, as one file of bench/results/.')
    .addOption(
      new Option('--adapter <kind>', 'what to run on')
        .choices(['auto', 'hardware', 'software', 'embedded'])
        .default('auto'),
    )
    .option('--no-tune', 'measure with the default variants of the kernels');
  command.parse([...args], { from: 'user' });
  const { adapter, tune } = command.opts<{ adapter: AdapterPreference; tune: boolean }>();
  const report = await measureGpu(adapter, (text) => console.error(`bench: ${text}`), { tune });
  console.error(`bench: wrote ${writeGpuResults(report)}`);
  console.log(formatGpu(report));
  if (report.verify.failed.length > 0) process.exitCode = 1;
}
