import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';

const python = (...given: string[]) => spawnSync('python3', given, { encoding: 'utf8' });
const hasTorch = python('-c', 'import torch').status === 0;

test.skipIf(!hasTorch)('regions, terms and gradients of the golden cases', () => {
  const cases = readdirSync('test/golden').filter((name) => name.endsWith('.safetensors'));
  const { status, stderr } = python(
    'bench/peers/torch_losses.py',
    '--check',
    ...cases.map((name) => `test/golden/${name}`),
  );
  expect(status, stderr).toBe(0);
  expect(stderr.match(/agrees/g)?.length).toBe(cases.length - 1); // one has regions to ignore, which the script leaves out
});
