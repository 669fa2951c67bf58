import { build } from 'esbuild';
import { esbuildWgsl } from './wgsl.js';

/**
 * Bundles programs for Node with their WGSL; packages stay imports.
 * @param {Pick<import('esbuild').BuildOptions, 'entryPoints' | 'outdir' | 'outbase'>} paths
 */
export async function bundle(paths) {
  await build({
    ...paths,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    sourcemap: true,
    plugins: [esbuildWgsl()],
  });
}

/**
 * Bundles programs for browsers, whole and minified. Without `process`, whatever stands behind a look at it falls away, and
 * with it Dawn, sharp and files.
 * @param {Pick<import('esbuild').BuildOptions, 'entryPoints' | 'outdir' | 'splitting' | 'format'>} options
 * @throws Error when an import is left, which a browser could not resolve
 */
export async function bundleForBrowsers(options) {
  const { metafile } = await build({
    ...options,
    bundle: true,
    platform: 'browser',
    target: 'es2022',
    define: { process: 'undefined' },
    external: ['node:*'], // resolved before what is unused falls away, so looked for afterwards
    minify: true,
    metafile: true,
    plugins: [esbuildWgsl({ minify: true })],
  });
  for (const [file, { imports }] of Object.entries(metafile.outputs)) {
    const left = imports.filter(({ external }) => external).map(({ path }) => path);
    if (left.length > 0) throw new Error(`${file} is for browsers but imports ${left.join(', ')}`);
  }
}
