import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { table } from '../src/cli/table.js';
import type { AdapterDescription } from '../src/tensor/device.js';
import type { ChosenClock } from './clock.js';
import type { Curve } from './curves.js';
import type { KernelShare, RowResult } from './row.js';

/** A run of the bench: what `--json` prints. */
export interface Report {
  adapter: string;
  kind: AdapterDescription['kind'];
  /** Of the machine; what a software adapter computes with. */
  cores: number;
  /** Its name, and the widest of the vectors that decide how fast a software adapter is. Empty where the system does not say. */
  processor: string;
  /** YYYY-MM-DD */
  date: string;
  /** How to repeat it. */
  command: string;
  /** Why the rows' clock is what it is. */
  clock: string;
  /** Library, version and backend of each peer that took turns, by its short name. */
  peers: Record<string, string>;
  rows: RowResult[];
  curves?: Curve[];
}

/** A report of a run that begins now. */
export function beginReport(adapter: AdapterDescription, { reason }: ChosenClock, args: readonly string[]): Report {
  return {
    adapter: adapter.name,
    kind: adapter.kind,
    cores: availableParallelism(),
    processor: processorName(),
    date: new Date().toISOString().slice(0, 10),
    command: ['npm run bench', ...(args.length > 0 ? ['--', ...args] : [])].join(' '),
    clock: reason,
    peers: {},
    rows: [],
  };
}

function processorName(): string {
  const model = cpus()[0]?.model.trim() ?? '';
  let flags = '';
  try {
    flags = readFileSync('/proc/cpuinfo', 'utf8');
  } catch {} // Linux alone has it.
  const vectors = /\bavx512f\b/.test(flags) ? 'AVX-512' : /\bavx2\b/.test(flags) ? 'AVX2' : '';
  return [model, vectors].filter(Boolean).join(' with ');
}

const LEGEND =
  'ms ±: median of a run and half the interquartile range, by the clock named. CPU ms: the CPU time of the process.\n' +
  'MB: the least that has to be read and written. × copy: how many times as long as a vec4f copy of as much, run in turn.';

/** The report for a terminal. */
export function formatReport(report: Report): string {
  const kernels = report.rows.filter((row) => row.kernels).map(formatKernels);
  const scratch = report.rows.map(({ name, scratchBytes }) =>
    scratchBytes === null ? '' : `${name}: ${(scratchBytes / 1e6).toFixed(2)} MB beyond inputs and gradients`,
  );
  return [
    heading(report),
    table(cells(report)),
    [LEGEND, ...peerLines(report), ...scratch.filter(Boolean)].join('\n'),
    ...formatGigaflops(report),
    ...kernels,
  ].join('\n\n');
}

/** The report for the README, in Markdown. */
export function formatMarkdown(report: Report): string {
  const [header, ...rows] = cells(report).map((row) => `| ${row.join(' | ')} |`);
  const rule = `|${'---|'.repeat(cells(report)[0].length)}`;
  return [
    `\`${report.command}\`, ${heading(report)}.`,
    [header, rule, ...rows].join('\n'),
    [LEGEND, ...peerLines(report)].join('\n'),
  ].join('\n\n');
}

function heading({ adapter, kind, cores, processor, date, clock, rows }: Report): string {
  const clocks = [...new Set(rows.map((row) => row.clock))].join(' and ');
  return `${adapter} (${kind}), ${cores} CPU cores${processor && ` (${processor})`}, ${date}, clock: ${clocks} (${clock})`;
}

function peerLines({ peers }: Report): string[] {
  const names = Object.entries(peers);
  if (names.length === 0) return [];
  const list = names.map(([name, library]) => `${name} is ${library}`).join(', ');
  return [`× of a peer: how many times as long as edgewise it takes, by the wall, in turn; ${list}.`];
}

/** The table's cells, the heading first; – where something does not apply. */
function cells({ rows, peers }: Report): string[][] {
  const names = Object.keys(peers);
  const header = [
    'row',
    'ms',
    '±',
    'CPU ms',
    'MB',
    'GB/s',
    '× copy',
    'GFLOP/s',
    'dispatches',
    'clock',
    ...names.map((name) => `× ${name}`),
  ];
  const or = (value: number | null | undefined, digits: number) => (value == null ? '–' : value.toFixed(digits));
  return [
    header,
    ...rows.map((row) => [
      row.name,
      row.ms.toFixed(2),
      row.spread.toFixed(2),
      row.cpuMs.toFixed(2),
      or(row.bytes === null ? null : row.bytes / 1e6, 1),
      or(row.gigabytesPerSecond, 1),
      or(row.copyRatio, 2),
      or(row.gigaflops, 1),
      String(row.dispatches),
      row.clock,
      // One below 1 is told to two digits, too.
      ...names.map((name) => or(row.peers[name], row.peers[name] < 1 ? 2 : 1)),
    ]),
  ];
}

/** Rows with operations to count beside the peers, everything from the turns; none where there were none. */
function formatGigaflops({ rows, peers }: Report): string[] {
  const names = Object.keys(peers);
  const lines = rows.flatMap(({ name, flop, turns }) => {
    const [first] = Object.values(turns);
    if (flop === null || !first) return [];
    const rate = (ms: number | undefined) => (ms === undefined ? '–' : (flop / ms / 1e6).toFixed(1));
    return [[name, rate(first.ownMs), ...names.map((peer) => rate(turns[peer]?.ms))]];
  });
  return lines.length === 0 ? [] : [table([['GFLOP/s in turn', 'edgewise', ...names], ...lines])];
}

function formatKernels({ name, kernels = [] }: RowResult): string {
  const total = kernels.reduce((sum: number, { ms }: KernelShare) => sum + ms, 0);
  const share = (ms: number) => `${((100 * ms) / total).toFixed(0)} %`;
  return table([
    [`kernels of ${name}`, 'ms', 'share', 'dispatches'],
    ...kernels.map(({ kernel, ms, dispatches }) => [kernel, ms.toFixed(3), share(ms), String(dispatches)]),
  ]);
}
