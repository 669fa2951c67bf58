import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { interruption } from '../../src/cli/interruption.js';
import { Random } from '../../src/tensor/random.js';
import { readLog } from '../../src/train/runFolder.js';
import { edgewise, edgewiseProcess, edgewiseStopped } from './cli.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'edgewise-signals-'));
});
afterAll(() => rm(root, { recursive: true }));

/** Two steps an epoch. */
const TINY = ['--size', 'tiny', '--width', '64', '--height', '64', '--batch', '1', '--evaluate-every', '0'];
const IMAGES = ['train', 'shapes', '--images', '2'];
const EPOCHS = 10;

/** A process of its own, whose output nobody reads, that ends by a signal, sent once something is so. */
async function stopped(args: string[], signal: NodeJS.Signals, isSo: () => Promise<boolean>) {
  const child = spawn(process.execPath, ['dist/cli.js', ...args, '--json']);
  for (const name of ['stdout', 'stderr'] as const) child[name].destroy();
  const closed = once(child, 'close');
  while (child.exitCode === null && child.signalCode === null && !(await isSo())) await pause(10);
  child.kill(signal);
  const [code, by] = await closed;
  return { code, by };
}

test('SIGKILL loses little, SIGTERM, SIGHUP and Ctrl-C save, and --resume ends with the bits of a training in one go', async () => {
  const out = join(root, 'stopped');
  const first = [...IMAGES, ...TINY, '--epochs', String(EPOCHS)];
  const resume = [...IMAGES, '--out', out, '--resume'];
  const isSaved = async ({ code, stdout, stderr }: Awaited<ReturnType<typeof edgewise>>, signal: NodeJS.Signals) => {
    expect([signal, code, JSON.parse(stdout).interrupted]).toEqual([signal, 0, true]);
    expect(stderr).toContain(`${signal}: stopping after this step`);
    expect(await readdir(out)).not.toContain('training.0');
    return JSON.parse(stdout).step;
  };

  // Nobody reads what it writes: that stops no training.
  const epochs = Math.floor(Random.of(7).uniform(1, 4));
  const trained = async () => (await readLog(out).catch(() => [])).length >= epochs;
  expect(await stopped([...first, '--out', out], 'SIGKILL', trained)).toMatchObject({ by: 'SIGKILL' });
  expect(await readdir(out)).toContain('training.0');

  let step = 0;
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) {
    const before = step;
    // The first before any step.
    const when = signal === 'SIGTERM' ? /./ : /epoch \d+\//;
    step = await isSaved(await edgewiseStopped([...resume, '--json'], signal, when), signal);
    expect(step).toBeGreaterThan(before);
  }

  const ended = await edgewise([...resume, '--json']);
  expect(JSON.parse(ended.stdout)).toMatchObject({ run: out, interrupted: false, step: 2 * EPOCHS });
  const straight = join(root, 'straight');
  // Like the first a process of its own, which takes what was tuned on this machine; those between take the checkpoint's choices.
  expect(await edgewiseProcess([...first, '--out', straight])).toMatchObject({ code: 0 });
  const checkpoint = (run: string) => readFile(join(run, 'checkpoint.safetensors'));
  expect((await checkpoint(out)).equals(await checkpoint(straight))).toBe(true);
  expect((await readdir(out)).sort()).toEqual((await readdir(straight)).sort());
});

test('a second signal ends the process, but not an echo of the first; under nohup SIGHUP does nothing', () => {
  const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
  const clock = vi.spyOn(performance, 'now').mockReturnValue(1000);
  const said = vi.spyOn(console, 'warn').mockReturnValue();
  vi.stubEnv('_', '/usr/bin/nohup');
  try {
    const before = process.listenerCount('SIGTERM');
    const { signal, dispose } = interruption();
    const send = (name: NodeJS.Signals) => process.listeners(name).at(-1)?.(name);
    send('SIGHUP');
    expect(signal.aborted).toBe(false);
    vi.stubEnv('_', '/usr/bin/node');
    send('SIGHUP');
    expect(signal.aborted).toBe(true);
    send('SIGHUP');
    expect(kill).not.toHaveBeenCalled();
    clock.mockReturnValue(2000);
    send('SIGTERM');
    expect(kill).toHaveBeenCalledExactlyOnceWith(process.pid, 'SIGTERM');
    expect(said).toHaveBeenCalledTimes(1);
    dispose();
    expect(process.listenerCount('SIGTERM')).toBe(before);
  } finally {
    vi.unstubAllEnvs();
    for (const spy of [kill, clock, said]) spy.mockRestore();
  }
});

/** What a shell pipeline writes, whose stderr is the third stream. */
const shell = (script: string) => execFileSync('sh', ['-c', script], { encoding: 'utf8' });

test.skipIf(process.platform === 'win32')('who stops reading gets no stack', () => {
  expect(shell('{ node dist/cli.js --help 2>&3 | true; } 3>&1')).toBe('');
});

test.runIf(process.platform === 'linux')('a result that a full disk does not take is one line and exit code 1', () => {
  const said = shell('{ node dist/cli.js --version 2>&3 > /dev/full; echo $? >&3; } 3>&1');
  expect(said).toMatch(/^edgewise: the output cannot be written: the disk is full[^\n]*\n1\n$/);
});
