import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { AdapterPreference } from '../src/gpu/adapter.js';
import type { Device } from '../src/tensor/device.js';
import { DeviceError } from '../src/util/error.js';
import type { RowResult } from './row.js';
import { summarize } from './statistics.js';

/** A row of a call that waits for the compiler: each run has a process of its own, in which no kernel is compiled yet. */
export interface FirstCallRow {
  /** As in the table and in `--json`. */
  name: string;
  /** What is measured, for `--help`. */
  what: string;
  /** Left out of a quick run, unless asked for by name. */
  onlyFull?: boolean;
  /** Makes the inputs without a kernel. @returns the call, which ends when its results are read */
  call(device: Device): Promise<() => Promise<void>>;
}

/** What a process found. */
interface FirstCall {
  wallMs: number;
  /** Of the whole process, the compiler's threads included. */
  cpuMs: number;
  dispatches: number;
}

/** Bundled by scripts/bench.js; run with a row's name and the adapter. */
export const FIRST_CALL: readonly string[] = [process.execPath, 'dist/bench/first.js'];

const RUNS = 3;

/** What drivers keep compiled kernels by, off: Mesa's and NVIDIA's. SwiftShader keeps none. */
const NO_CACHE = { MESA_SHADER_CACHE_DISABLE: 'true', __GL_SHADER_DISK_CACHE: '0' };

/**
 * Times a first call in processes of its own.
 * @param command the program, which prints a `FirstCall` as JSON
 * @throws DeviceError that says why a process failed
 */
export async function measureFirstCall(
  { name }: FirstCallRow,
  adapter: AdapterPreference,
  command: readonly string[] = FIRST_CALL,
): Promise<RowResult> {
  const calls: FirstCall[] = [];
  while (calls.length < RUNS) calls.push(await callAlone(command, name, adapter));
  const { median: ms, spread } = summarize(calls.map(({ wallMs }) => wallMs));
  return {
    name,
    ms,
    spread,
    clock: 'wall',
    wallMs: ms,
    cpuMs: summarize(calls.map(({ cpuMs }) => cpuMs)).median,
    runs: RUNS,
    bytes: null,
    gigabytesPerSecond: null,
    copyMs: null,
    copyRatio: null,
    gigaflops: null,
    dispatches: calls[0].dispatches,
    scratchBytes: null,
    flop: null,
    peers: {},
    turns: {},
  };
}

async function callAlone([program, ...given]: readonly string[], name: string, adapter: string): Promise<FirstCall> {
  const env = { ...process.env, ...NO_CACHE };
  try {
    const { stdout } = await promisify(execFile)(program, [...given, name, adapter], { env });
    return JSON.parse(stdout) as FirstCall;
  } catch (cause) {
    const { message, stderr } = cause as Error & { stderr?: string };
    throw new DeviceError(`${name}: the process of a first call failed: ${stderr?.trim() || message}`, { cause });
  }
}

/** Times a first call in this process. @throws Error when a kernel ran before it, which would be compiled already */
export async function timeFirstCall(device: Device, { name, call }: FirstCallRow): Promise<FirstCall> {
  const run = await call(device);
  await device.settled();
  if (device.dispatches > 0) throw new Error(`${name}: ${device.dispatches} dispatches before the first call`);
  const used = process.cpuUsage();
  const start = performance.now();
  await run();
  const wallMs = performance.now() - start;
  const { user, system } = process.cpuUsage(used);
  return { wallMs, cpuMs: (user + system) / 1000, dispatches: device.dispatches };
}
