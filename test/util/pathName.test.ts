import { join, relative, sep } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pathName } from '../../src/util/pathName.js';
import { anyName } from './anyName.js';

test.each([
  ['main-kd+main-ld+vlr-ld', 'main-kd+main-ld+vlr-ld'],
  ['../../x', 'x'],
  ['/etc/passwd', 'etc-passwd'],
  ['a\\b:c*d?e"f<g>h|i', 'a-b-c-d-e-f-g-h-i'],
  ['T = 10 / λ', 'T-10-λ'],
  ['nul\0byte\nline', 'nul-byte-line'],
  ['..', 'unnamed'],
  ['.hidden.', 'hidden'],
  ['CON', 'CON_'],
  ['com1.json', 'com1_.json'],
  ['console', 'console'],
  ['データ', 'データ'],
  ['', 'unnamed'],
])('%j becomes %j', (name, expected) => {
  expect(pathName(name)).toBe(expected);
});

test('whatever it is given, it is one name in its folder, short, and stays as it is', () => {
  fc.assert(
    fc.property(anyName, (name) => {
      const made = pathName(name);
      expect(relative('runs', join('runs', made)).split(sep)).toEqual([made]);
      expect(Buffer.byteLength(made)).toBeLessThanOrEqual(82);
      expect(made).toMatch(/^[^.\p{C}][^\p{C}/\\:]*$/u);
      expect(pathName(made)).toBe(made);
    }),
  );
});
