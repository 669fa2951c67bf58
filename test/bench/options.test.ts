import { execFile } from 'node:child_process';
import { CommanderError } from 'commander';
import { expect, test, vi } from 'vitest';
import { FULL, QUICK } from '../../bench/measure.js';
import { parseOptions } from '../../bench/options.js';
import { ROWS } from '../../bench/rows/index.js';

const names = (args: string[]) => parseOptions(args, ROWS).rows.map(({ name }) => name);

test('a quick run has the main rows, a full run all of them', () => {
  const quick = names([]);
  for (const name of ['head-loss', 'rows-ld-dfl', 'regions', 'train-step', 'conv3x3-64-forward']) {
    expect(quick).toContain(name);
  }
  expect(quick).not.toContain('conv1x1-64-forward');
  expect(names(['--quick'])).toEqual(quick);
  expect(names(['--full'])).toEqual(ROWS.map(({ name }) => name));
  expect(new Set(names(['--full'])).size).toBe(ROWS.length);
  expect(parseOptions([], ROWS)).toMatchObject({ plan: QUICK, adapter: 'auto', peers: false, json: false });
  expect(parseOptions(['--full', '--peers', '--adapter', 'software', '--json'], ROWS)).toMatchObject({
    plan: FULL,
    adapter: 'software',
    peers: true,
    json: true,
  });
});

test('names choose rows, in the order of the table, also those of a full run', () => {
  expect(names(['regions', 'conv1x1-64-forward', 'head-loss', '--json'])).toEqual([
    'head-loss',
    'regions',
    'conv1x1-64-forward',
  ]);
});

test.each([
  [['head-los'], "'head-los' is invalid"],
  [['--adapter', 'gpu'], "'gpu' is invalid"],
  [['--slow'], "unknown option '--slow'"],
  [['--quick', '--full'], "'--full' cannot be used with option '--quick'"],
])('%j is refused', (args, message) => {
  const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    expect(() => parseOptions(args, ROWS)).toThrow(CommanderError);
    expect(written.mock.calls.join('')).toContain(message);
  } finally {
    written.mockRestore();
  }
});

test('a wrong name ends with exit code 2, one line on stderr and nothing on stdout', async () => {
  const { code, stdout, stderr } = await new Promise<{ code: number | null; stdout: string; stderr: string }>(
    (resolve) => {
      const child = execFile(process.execPath, ['scripts/bench.js', 'head-los', '--json'], (_, stdout, stderr) =>
        resolve({ code: child.exitCode, stdout, stderr }),
      );
    },
  );
  expect(code).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^error: .*'head-los' is invalid.*head-loss.*\n$/);
});
