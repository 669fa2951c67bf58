import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { replaceBetweenMarkers, resultsFile } from '../../bench/files.js';

const readme = readFileSync('README.md', 'utf8');

test("the README's table is replaced, and nothing else", () => {
  const once = replaceBetweenMarkers(readme, '| a |');
  const [start, , end] = once.split(/^(?:<!-- bench: .* -->)$/m);
  expect(once).toContain(' -->\n\n| a |\n\n<!-- ');
  expect(readme.startsWith(start)).toBe(true);
  expect(readme.endsWith(end)).toBe(true);
  expect(replaceBetweenMarkers(once, '| b |\n')).toBe(once.replace('| a |', '| b |'));
  // Signs that String.replace would take for a pattern.
  expect(replaceBetweenMarkers(readme, "$& $' $1")).toContain("\n$& $' $1\n");
});

test('a README without its markers is left alone', () => {
  const [start, end] = readme.match(/^<!-- bench: .* -->$/gm) as [string, string];
  for (const text of ['', start, end, `${end}\n${start}`, `${start}\n${start}\n${end}`, `${start}\n${end}\n${end}`]) {
    expect(() => replaceBetweenMarkers(text, 'x')).toThrow(/README\.md: expected once/);
  }
});

test("results are named after the adapter, not after its driver's version", () => {
  expect(resultsFile('llvmpipe: Mesa 25.0.7-2~bpo12+1 (LLVM 15.0.6) 0.0.1')).toBe('bench/results/llvmpipe');
  expect(resultsFile('SwiftShader driver 5.0.0')).toBe('bench/results/swiftshader-driver');
  expect(resultsFile('NVIDIA GeForce RTX 3060: 550.1')).toBe('bench/results/nvidia-geforce-rtx-3060');
  expect(resultsFile('')).toBe('bench/results/adapter');
});
