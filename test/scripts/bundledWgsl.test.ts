import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { build, type OutputFile } from 'esbuild';
import { expect, it } from 'vitest';
import { esbuildWgsl, expandWgsl } from '../../scripts/wgsl.js';
import { minifyWgsl } from '../../scripts/wgslMinify.js';
import { assemble } from '../../src/gpu/assemble.js';

const files = readdirSync('shaders', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.wgsl'))
  .map((file) => resolve('shaders', file));

async function bundled(contents: string, minify: boolean): Promise<OutputFile> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: '.' },
    bundle: true,
    write: false,
    format: 'esm',
    minify,
    plugins: [esbuildWgsl({ minify })],
  });
  return outputFiles[0];
}

const ALL = files.map((file, i) => `export { default as _${i} } from ${JSON.stringify(file)};`).join('\n');

it.each([true, false])(
  'kernels share what they include and are whole again at run time: minified %s',
  async (minify) => {
    const { text } = await bundled(ALL, minify);
    const modules = await import(`data:text/javascript;base64,${Buffer.from(text).toString('base64')}`);
    expect(files.length).toBeGreaterThan(80);
    let size = 0;
    for (const [i, file] of files.entries()) {
      const whole = expandWgsl(file);
      size += (minify ? minifyWgsl(whole) : whole).length;
      // Parts are joined by a newline, which may leave an empty line.
      expect(minifyWgsl(assemble(file, modules[`_${i}`], false, {}, {}))).toBe(minifyWgsl(whole));
    }
    expect(text.length).toBeLessThan(0.6 * size);
  },
);

it('kernels that a program does not use leave nothing of themselves', async () => {
  const { text } = await bundled(ALL.replaceAll('export', 'import'), true);
  expect(text.trim()).toBe('');
});
