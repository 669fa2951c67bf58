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
