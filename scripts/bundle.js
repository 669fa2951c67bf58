import { createRequire } from 'node:module';
import { build } from 'esbuild';
import { esbuildWgsl } from './wgsl.js';

/**
 * Packages that become part of what is built: small, and needed by few. They are loaded when a model is read or written.
 */
const BUNDLED = /^(onnx-proto|protobufjs|@protobufjs)(\/|$)/;

/** @type {import('esbuild').Plugin} */
const bundlePackages = {
  name: 'bundle-packages',
  setup({ onResolve }) {
    onResolve({ filter: BUNDLED }, ({ path, importer }) => ({ path: createRequire(importer).resolve(path) }));
  },
};

/**
 * Bundles programs for Node with their WGSL; packages stay imports, but for those above.
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
    plugins: [esbuildWgsl(), bundlePackages],
  });
}
