import type { Device } from '../src/tensor/device.js';
import { DeviceError } from '../src/util/error.js';
import { type Clock, measure, type Plan, stopwatch, type Work } from './measure.js';
import type { RunningPeer } from './peers/index.js';
import { summarize } from './statistics.js';
import { type Turns, takeTurns } from './turns.js';

/** A row of the table. */
export interface Row {
  /** As in the table, in `--json` and for the peers. */
  name: string;
  /** What is measured, for `--help`. */
  what: string;
  /** Rows that can be asked for by one name. */
  group?: string;
  /** Left out of a quick run, unless asked for by name. */
  onlyFull?: boolean;
  /** Left out where the adapter lacks it. */
  needs?: GPUFeatureName;
  /** Makes the inputs and whatever needs no measuring. The device is the row's own. */
  prepare(device: Device, given?: Given): Prepared | Promise<Prepared>;
}

/** What a row can be given. */
interface Given {
  /** An ONNX file, for rows of a graph. */
  model?: string;
}

/** A row on a device. */
interface Prepared extends Work {
  /** The least that any implementation has to read and write; null where nobody would count it. */
  bytes: number | null;
  /** A plain copy of as many bytes, to compare with; null where there is none. */
  copy: Work | null;
  /** Floating-point operations, a multiplication and an addition counting 2; null where memory is the limit. */
  flop: number | null;
  /** Memory needed at once beyond inputs and outputs. */
  scratchBytes?: number;
}

/** What a row came to. Times are milliseconds a run. */
export interface RowResult {
  name: string;
  /** Median by `clock`. */
  ms: number;
  /** Half the interquartile range. */
  spread: number;
  clock: Clock;
  /** Medians of the same runs by the wall, and of the process's CPU time. */
  wallMs: number;
  cpuMs: number;
  /** Measurements of which these are medians. */
  runs: number;
  bytes: number | null;
  gigabytesPerSecond: number | null;
  /** Median of the copy's runs, which alternate with the row's. */
  copyMs: number | null;
  copyRatio: number | null;
  gigaflops: number | null;
  dispatches: number;
  scratchBytes: number | null;
  /** Floating-point operations of a run, as the row counts them. */
  flop: number | null;
  /** How many times as long each peer takes, by the wall, in turn. */
  peers: Record<string, number>;
  /** The turns that this was found in. */
  turns: Record<string, Turns>;
  /** Each kernel's share, where it was asked for. */
  kernels?: KernelShare[];
}

/** Medians of what the timestamps around each dispatch of a kernel sum up to. */
export interface KernelShare {
  kernel: string;
  dispatches: number;
  ms: number;
}

/** How rows are measured. */
export interface RowOptions extends Given {
  clock: Clock;
  plan: Plan;
  /** Whether to time each kernel by itself. */
  kernels?: boolean;
  /** Those that take turns with the rows that they have. */
  peers?: readonly RunningPeer[];
  /** Is told why a peer has no times of a row. */
  onFailure?: (text: string) => void;
}

/** Measures a row beside its copy, and in turn with every peer that has it. */
export async function measureRow(device: Device, row: Row, options: RowOptions): Promise<RowResult> {
  const { clock } = options;
  const prepared = await row.prepare(device, options);
  const { bytes, copy, flop, scratchBytes = null } = prepared;
  const [own, copied] = await measure(device, copy ? [prepared, copy] : [prepared], options);
  const { median: ms, spread } = summarize(own.map((sample) => sample.ms));
  const copyMs = copied ? summarize(copied.map((sample) => sample.ms)).median : null;
  const before = device.dispatches;
  device.tidy(() => void prepared.record());
  const dispatches = device.dispatches - before;
  await device.settled();
  await prepared.between?.();
  const turns = await turnsOf(device, row.name, prepared, options);
  return {
    name: row.name,
    ms,
    spread,
    clock,
    wallMs: summarize(own.map(({ wallMs }) => wallMs)).median,
    cpuMs: summarize(own.map(({ cpuMs }) => cpuMs)).median,
    runs: own.length,
    bytes,
    gigabytesPerSecond: bytes === null ? null : bytes / ms / 1e6,
    copyMs,
    copyRatio: copyMs === null ? null : ms / copyMs,
    gigaflops: flop === null ? null : flop / ms / 1e6,
    dispatches,
    scratchBytes,
    flop,
    peers: Object.fromEntries(Object.entries(turns).map(([name, { ratio }]) => [name, ratio])),
    turns,
    ...(options.kernels && { kernels: await kernelShares(device, prepared, own.length) }),
  };
}

/** Lets a work take turns with each peer that has its row; a peer that fails is left out. */
async function turnsOf(
  device: Device,
  row: string,
  work: Work,
  { plan, peers = [], onFailure }: RowOptions,
): Promise<Record<string, Turns>> {
  const found: Record<string, Turns> = {};
  const those = peers.filter(({ rows }) => rows.has(row));
  if (those.length === 0) return found;
  const own = await stopwatch(device, work, plan);
  for (const peer of those) {
    try {
      found[peer.name] = await takeTurns(own, () => peer.turn(row));
    } catch (error) {
      if (error instanceof DeviceError) throw error;
      onFailure?.(`peer ${peer.name} has no times of ${row}: ${(error as Error).message}`);
    }
  }
  return found;
}

/** Times each kernel of a work by itself: every dispatch becomes a pass with timestamps around it. */
async function kernelShares(device: Device, work: Work, runs: number): Promise<KernelShare[]> {
  const times = new Map<string, { dispatches: number; milliseconds: number[] }>();
  for (let run = 0; run < runs; run++) {
    for (const { kernel, dispatches, milliseconds } of await device.profile(() =>
      device.tidy(() => void work.record()),
    )) {
      const entry = times.get(kernel) ?? { dispatches, milliseconds: [] };
      entry.milliseconds.push(milliseconds);
      times.set(kernel, entry);
    }
    await work.between?.();
  }
  return [...times]
    .map(([kernel, { dispatches, milliseconds }]) => ({ kernel, dispatches, ms: summarize(milliseconds).median }))
    .sort((a, b) => b.ms - a.ms);
}
