import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSafetensors, type SafetensorsFile, writeSafetensors } from '../../src/data/safetensors.js';
import { edgewise } from './cli.js';

const CASE = 'test/golden/small-bins.safetensors';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewise-verify-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function variant(name: string, change: (file: SafetensorsFile) => void): Promise<string> {
  const file = await readSafetensors(CASE);
  change(file);
  const path = join(folder, `${name}.safetensors`);
  await writeSafetensors(path, file.tensors, file.metadata);
  return path;
}

test('--json prints adapter, cases and quantities, and nothing else', async () => {
  const { code, stdout } = await edgewise(['verify', CASE, 'test/golden/assign-crowded.safetensors', '--json']);
  expect(code).toBe(0);
  expect(stdout.trimEnd()).not.toContain('\n');
  const printed = JSON.parse(stdout);
  expect(Object.keys(printed)).toEqual(['adapter', 'passed', 'cases']);
  expect(printed).toMatchObject({ adapter: expect.any(String), passed: true });
  expect(printed.cases.map((entry: object) => Object.keys(entry))).toEqual(
    Array(2).fill(['file', 'passed', 'quantities']),
  );
  const { file, passed, quantities } = printed.cases[0];
  expect([file, passed]).toEqual([CASE, true]);
  for (const quantity of quantities) {
    expect(quantity).toEqual({
      name: expect.any(String),
      absolute: expect.any(Number),
      relative: expect.any(Number),
      passed: true,
    });
  }
  const names = quantities.map(({ name }: { name: string }) => name);
  expect(names).toContain('total');
  for (const name of ['loss_ld', 'label', 'weight', 'box', 'vlr', 'imitation', 'grad.cls', 'grad.reg']) {
    for (const level of [0, 1, 2, 3, 4]) expect(names).toContain(`${name}.${level}`);
  }
});

test('the table names the worst of each quantity', async () => {
  const { code, stdout } = await edgewise(['verify', CASE]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/small-bins\.safetensors: passed/);
  expect(stdout).toMatch(/^ {2}grad\.reg +\d\.\de[+-]\d+ +\d\.\de[+-]\d+ {2}passed$/m);
  expect(stdout).toMatch(/1 case passed\n$/);
});

test('a case that does not agree fails', async () => {
  const path = await variant('wrong', ({ tensors }) => {
    tensors.get('assign.label.1')!.data[3] = 0;
    tensors.get('grad.reg.0')!.data[0] = 1;
  });
  const { code, stdout, stderr } = await edgewise(['verify', path]);
  expect([code, stderr]).toEqual([1, '']);
  expect(stdout).toMatch(/^ {2}label .* FAILED at level 1$/m);
  expect(stdout).toMatch(/^ {2}grad\.reg .* FAILED at level 0$/m);
  expect(stdout).toMatch(/1 of 1 case FAILED\n$/);
  const json = await edgewise(['verify', path, '--json']);
  expect(json.code).toBe(1);
  expect(JSON.parse(json.stdout)).toMatchObject({ passed: false, cases: [{ passed: false }] });
});

test.each<[string, (path: string) => Promise<string>, RegExp]>([
  ['is missing', async () => 'nowhere.safetensors', /^edgewise: nowhere\.safetensors cannot be read/],
  ['is no safetensors file', async () => 'package.json', /^edgewise: package\.json is not a whole safetensors file/],
  [
    'is cut in half',
    async (path) => {
      const bytes = await readFile(CASE);
      await writeFile(path, bytes.subarray(0, bytes.length / 2));
      return path;
    },
    /^edgewise: \S+ is not a whole safetensors file: cut short, tensor "\S+" ends at byte/,
  ],
  [
    'lacks a tensor',
    () => variant('lacking', ({ tensors }) => tensors.delete('teacher.reg.3')),
    /^edgewise: \S+lacking\.safetensors is no golden case: tensor teacher\.reg\.3 is missing/,
  ],
  [
    'holds a NaN',
    () => variant('nan', ({ tensors }) => tensors.get('student.cls.2')!.data.fill(Number.NaN as never, 0, 1)),
    /^edgewise: \S+nan\.safetensors: loss_cls is not finite at level 2 \(stride 32\), image 0, row 0, column 0/,
  ],
])('a file that %s is one clear line', async (_, make, message) => {
  const path = await make(join(folder, 'made.safetensors'));
  const args = ['verify', path];
  const [{ code, stdout, stderr }, json] = await Promise.all([edgewise(args), edgewise([...args, '--json'])]);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(message);
  expect(stderr.trimEnd()).not.toContain('\n');
  expect([json.code, json.stderr]).toEqual([1, '']);
  expect(`edgewise: ${JSON.parse(json.stdout).error}`).toMatch(message);
});
