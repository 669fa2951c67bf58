import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { dumpWgsl } from '../../src/gpu/dumpWgsl.js';

afterEach(() => void vi.unstubAllEnvs());

test('each variant of a kernel is a file that names it', () => {
  const folder = join(mkdtempSync(join(tmpdir(), 'edgewise-dump-')), 'new', 'folder');
  vi.stubEnv('EDGEWISE_DUMP_WGSL', folder);
  for (const BINS of [8, 17, 8]) dumpWgsl('head box, strided', { BINS }, `fn f${BINS}() {}`);
  dumpWgsl('regions/window', {}, 'fn g() {}');
  const files = readdirSync(folder).sort();
  expect(files).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^head-box-strided-[\da-f]{8}\.wgsl$/),
      expect.stringMatching(/^regions-window-[\da-f]{8}\.wgsl$/),
    ]),
  );
  expect(files).toHaveLength(3);
  expect(readFileSync(join(folder, files[2]), 'utf8')).toBe('fn g() {}\n// kernel regions/window, constants {}\n');
});

test('nothing is written where it is not asked for', () => {
  vi.stubEnv('EDGEWISE_DUMP_WGSL', '');
  expect(() => dumpWgsl('k', {}, 'fn f() {}')).not.toThrow();
});

test('a folder that cannot be made is named', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'edgewise-dump-')), 'file');
  writeFileSync(file, '');
  vi.stubEnv('EDGEWISE_DUMP_WGSL', file);
  expect(() => dumpWgsl('k', {}, 'fn f() {}')).toThrow(/EDGEWISE_DUMP_WGSL: .*name a folder that can be written/);
});
