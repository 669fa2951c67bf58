import { readdirSync, readFileSync } from 'node:fs';
import { build } from 'esbuild';
import { expect, it, vi } from 'vitest';

const FOLDER = 'dist/browser';

/** Bundles a program of a stranger, who knows the package's names only. */
async function bundled(contents: string, options: object = {}): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: '.' },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    logLevel: 'silent',
    ...options,
  });
  return outputFiles[0].text;
}

it('imports nothing, of Node or of packages, but TensorFlow.js where that is the entry', () => {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.js'));
  expect(files).toEqual(expect.arrayContaining(['index.js', 'web.js']));
  for (const file of files) {
    const text = readFileSync(`${FOLDER}/${file}`, 'utf8');
    const imports = [...text.matchAll(/(?<!")(?:\bfrom|\bimport)\s*\(?\s*"([^"]+)"/g)].map(([, path]) => path);
    const allowed =
      file === 'tfjs.js' ? /^(\.\/(chunk-\w+|index)\.js|@tensorflow\/.+)$/ : /^\.\/(chunk-\w+|index)\.js$/;
    expect(imports.filter((path) => !allowed.test(path))).toEqual([]);
  }
});

it('is what a bundler for browsers takes, under both names, with one Tensor', async () => {
  const text = await bundled(`
    import { Tensor } from 'edgewise';
    import { Tensor as Same, trainStep, shapesDataset, parseGoldenCase } from 'edgewise/web';
    export default [Tensor === Same, typeof trainStep, typeof parseGoldenCase, shapesDataset({ count: 3, seed: 1 })];
  `);
  const { default: found } = await import(`data:text/javascript;base64,${Buffer.from(text).toString('base64')}`);
  expect(found.slice(0, 3)).toEqual([true, 'function', 'function']);
  const { boxes, labels } = await found[3].load(2);
  expect(boxes).toHaveLength(4 * labels.length);
});

it('loads on a server that renders pages, where a device is refused', async () => {
  const text = await bundled("export { openDevice } from 'edgewise';");
  const { openDevice } = await import(`data:text/javascript;base64,${Buffer.from(text).toString('base64')}`);
  // Other tests of this process may have made `navigator.gpu`, as TensorFlow.js asks.
  vi.stubGlobal('navigator', {});
  try {
    await expect(openDevice()).rejects.toThrow(/this is no browser.* open the device in the browser only/);
  } finally {
    vi.unstubAllGlobals();
  }
});
