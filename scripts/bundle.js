import { readFileSync } from 'node:fs';
import { build } from 'esbuild';
import { esbuildWgsl } from './wgsl.js';

/** Packages that become part of the bundle, with what they import: a fraction of echarts (60 MB) is used; few need ONNX. */
const BUNDLED = ['echarts', 'onnx-proto'];

/**
 * Bundles programs for Node with their WGSL; all other packages stay imports.
 * @param {Pick<import('esbuild').BuildOptions, 'entryPoints' | 'outdir' | 'outbase'>} paths
 * @returns what went into it
 */
export async function bundle(paths) {
  const { dependencies, optionalDependencies, peerDependencies, devDependencies } = JSON.parse(
    readFileSync('package.json', 'utf8'),
  );
  const packages = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies, ...devDependencies });
  const { metafile } = await build({
    ...paths,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: packages.filter((name) => !BUNDLED.includes(name)),
    sourcemap: true,
    metafile: true,
    plugins: [esbuildWgsl()],
  });
  return metafile;
}
