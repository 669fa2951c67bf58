import { execFile } from 'node:child_process';
import { format } from 'node:util';
import { vi } from 'vitest';
import { runCommand } from '../../src/cli/program.js';
import * as devices from '../../src/tensor/device.js';
import { sharedDevice } from '../device.js';

export interface Run {
  code: number | null;
  stdout: string;
  /** Without the lines that Dawn itself writes. */
  stderr: string;
}

/** A machine five times slower than the slowest that we know needs less. */
const HOURS = 3_600_000;

interface Hooks {
  /** What it opens its first devices with, before the tests' one. */
  devices?: (typeof devices.openDevice)[];
  /** Given all of its stderr whenever there is more. */
  onStderr?: (stderr: string) => void;
}

let last: Promise<unknown> = Promise.resolve();

/**
 * Runs a command in this process and on the tests' device, whatever adapter it asks for: ten times quicker than a process of
 * its own. Commands wait for each other, since they share the streams.
 */
export function edgewise(args: readonly string[], env: Record<string, string> = {}, hooks: Hooks = {}): Promise<Run> {
  const run = last.then(() => runHere(args, env, hooks));
  last = run.catch(() => {});
  return run;
}

/** Likewise, and sends this process a signal once stderr says something. */
export function edgewiseStopped(args: readonly string[], signal: NodeJS.Signals, when: RegExp): Promise<Run> {
  let sent = false;
  const onStderr = (stderr: string) => {
    if (sent || !when.test(stderr)) return;
    sent = true;
    // Where nobody listens it would end the tests' process; so the command goes on, which is seen.
    if (process.listenerCount(signal) > 0) process.kill(process.pid, signal);
  };
  return edgewise(args, {}, { onStderr });
}

async function runHere(args: readonly string[], env: Record<string, string>, hooks: Hooks): Promise<Run> {
  const written = { stdout: '', stderr: '' };
  const first = [...(hooks.devices ?? [])];
  let opened = false;
  const to = (stream: keyof typeof written) => (text: unknown) => {
    written[stream] += String(text);
    if (stream === 'stderr') hooks.onStderr?.(written.stderr);
    return true;
  };
  const line =
    (stream: keyof typeof written) =>
    (...values: unknown[]) =>
      void to(stream)(`${format(...values)}\n`);
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(to('stdout')),
    vi.spyOn(process.stderr, 'write').mockImplementation(to('stderr')),
    vi.spyOn(console, 'log').mockImplementation(line('stdout')),
    vi.spyOn(console, 'warn').mockImplementation(line('stderr')),
    vi.spyOn(console, 'error').mockImplementation(line('stderr')),
    vi.spyOn(devices, 'openDevice').mockImplementation((options) => {
      opened = true;
      return (first.shift() ?? sharedDevice)(options);
    }),
  ];
  const before = { env: { ...process.env }, exitCode: process.exitCode };
  Object.assign(process.env, env);
  process.exitCode = undefined;
  try {
    await runCommand(args);
    return { code: Number(process.exitCode ?? 0), ...written };
  } finally {
    for (const spy of spies) spy.mockRestore();
    if (opened) leaveAsFound(await sharedDevice());
    process.exitCode = before.exitCode;
    for (const name of Object.keys(env)) delete process.env[name];
    Object.assign(process.env, before.env);
  }
}

/** A command may have tuned it. */
function leaveAsFound(device: devices.Device): void {
  device.setChoices({});
  device.tuningFile = null;
}

/** Runs the built command line in a process of its own: for signals, exit codes, adapters and the bundle. */
export function edgewiseProcess(args: readonly string[], env: Record<string, string> = {}): Promise<Run> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...env }, timeout: HOURS, maxBuffer: 1 << 24 };
    const child = execFile(process.execPath, ['dist/cli.js', ...args], options, (_, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr: stderr.replace(/^Warning: maxDynamic.*\n/gm, '') });
    });
  });
}
