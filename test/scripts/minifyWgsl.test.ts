import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { expandWgsl, wgslOf } from '../../scripts/wgsl.js';
import { codeOf } from '../../scripts/wgslLoops.js';
import { minifyWgsl } from '../../scripts/wgslMinify.js';
import { assemble } from '../../src/gpu/assemble.js';
import { joinInterface } from '../../src/gpu/wgsl.js';

const files = readdirSync('shaders', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.wgsl'))
  .map((file) => resolve('shaders', file));
const modules = files.map((file) => [file, expandWgsl(file)] as const);
const kernels = modules.filter(([, source]) => source.includes('@compute'));

/** Words and numbers, runs of operators as they stand, and each other sign, without comments. */
function tokensOf(source: string): string[] {
  return source.replace(/\/\/.*$/gm, ' ').match(/[\w.]+|[-+*/%&|^~<>=!]+|[^\s\w.]/g) ?? [];
}

it('leaves the tokens of every module as they are', () => {
  expect(modules.length).toBeGreaterThan(80);
  for (const [, source] of modules) expect(tokensOf(minifyWgsl(source))).toEqual(tokensOf(source));
});

it('leaves them in loops that are written out, too', () => {
  expect(kernels.length).toBeGreaterThan(50);
  for (const [file, source] of kernels) {
    const { overrides } = joinInterface(file, wgslOf(source));
    const tokens = (options: Parameters<typeof codeOf>[1]) =>
      tokensOf(assemble(file, [{ code: codeOf(source, options) }], true, {}, overrides));
    expect(tokens({ minify: minifyWgsl })).toEqual(tokens({}));
  }
});

it('makes them much smaller', () => {
  const size = (sources: string[]) => sources.reduce((sum, source) => sum + source.length, 0);
  const before = size(modules.map(([, source]) => source));
  expect(size(modules.map(([, source]) => minifyWgsl(source)))).toBeLessThan(0.7 * before);
});

it('keeps words and operators apart, whatever stands beside them', () => {
  const token = fc.constantFrom(
    'a',
    'let',
    '1u',
    '1.5e-3',
    '-',
    '--',
    '<',
    '>=',
    '&',
    '&&',
    '(',
    ')',
    ',',
    ';',
    '{',
    '}',
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(token, fc.constantFrom(' ', '  ', '\n  ', ' // note\n'))), (parts) => {
      const source = parts.map((part) => part.join('')).join('');
      expect(tokensOf(minifyWgsl(source))).toEqual(tokensOf(source));
    }),
  );
});

it('refuses comments that it does not know', () => {
  expect(() => minifyWgsl('fn f() { /* no */ }')).toThrow('use // comments only');
});
