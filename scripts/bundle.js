import { readFileSync } from 'node:fs';
import { build } from 'esbuild';
import { esbuildJsonSchema } from './jsonSchema.js';
import { esbuildWgsl } from './wgsl.js';

/** Packages that become part of the bundle, with what they import: of each, little is used. */
const BUNDLED = ['echarts', 'gl-matrix', 'onnx-proto'];

/** A source map that says nothing; a file that ends with it is left out of the bundle's. */
const EMPTY_MAP = btoa('{"version":3,"sources":[""],"sourcesContent":[""],"mappings":"AAAA"}');

/** Leaves other people's packages out of the source maps, of which they were half. @type {import('esbuild').Plugin} */
const ownMaps = {
  name: 'own-maps',
  setup(build) {
    build.onLoad({ filter: /\/node_modules\/.*\.m?js$/ }, ({ path }) => ({
      contents: `${readFileSync(path, 'utf8')}\n//# sourceMappingURL=data:application/json;base64,${EMPTY_MAP}`,
      loader: 'default',
    }));
  },
};

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
    plugins: [esbuildWgsl(), esbuildJsonSchema(), ownMaps],
  });
  return metafile;
}

/** Packages that a browser's program brings itself: their state must be one. */
const BROUGHT = /^@tensorflow\//;

/**
 * Bundles programs for browsers, whole and minified. Without `process`, whatever stands behind a look at it falls away, and
 * with it Dawn, sharp and files.
 * @param {Pick<import('esbuild').BuildOptions, 'entryPoints' | 'outdir' | 'splitting' | 'format' | 'sourcemap'>} options
 * @returns what went into it
 * @throws Error when an import is left, which a browser could not resolve
 */
export async function bundleForBrowsers(options) {
  const { metafile } = await build({
    ...options,
    bundle: true,
    platform: 'browser',
    target: 'es2022',
    define: { process: 'undefined' },
    external: ['@tensorflow/*', 'node:*'], // resolved before what is unused falls away, so looked for afterwards
    minify: true,
    metafile: true,
    plugins: [esbuildWgsl({ minify: true }), esbuildJsonSchema(), ownMaps],
  });
  for (const [file, { imports }] of Object.entries(metafile.outputs)) {
    const left = imports.filter(({ path, external }) => external && !BROUGHT.test(path)).map(({ path }) => path);
    if (left.length > 0) throw new Error(`${file} is for browsers but imports ${left.join(', ')}`);
  }
  return metafile;
}
