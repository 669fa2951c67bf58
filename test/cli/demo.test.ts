import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { edgewise } from './cli.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewise-demo-'));
});
afterAll(() => rm(folder, { recursive: true }));

it('two students of the shipped teacher are trained, compared and shown', async () => {
  const out = join(folder, 'demo');
  const { code, stdout, stderr } = await edgewise([
    'demo',
    '--images',
    '8',
    '--test-images',
    '8',
    '--out',
    out,
    '--json',
  ]);
  expect(stderr).toContain('comes with the package');
  expect(code).toBe(0);
  const { runs, report } = JSON.parse(stdout);
  expect(runs).toMatchObject([
    { size: 'small', recipe: 'gfocal', localizationError: null },
    { size: 'tiny', recipe: 'kd', localizationError: expect.any(Number) },
    { size: 'tiny', recipe: 'kd+ld', localizationError: expect.any(Number) },
  ]);
  expect(runs[0].AP, 'the shipped weights are those of this detector').toBeGreaterThan(0.4);
  expect(await readFile(report, 'utf8')).toContain('kd+ld');
  expect((await readdir(out)).sort()).toEqual([
    'demo.json',
    'report.html',
    'student-kd',
    'student-kd+ld',
    'teacher',
    'teacher-outputs',
  ]);
});
