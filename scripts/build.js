/** Builds dist/: the library, the command line, the bundles for browsers and the type declarations. */
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { bundle, bundleForBrowsers } from './bundle.js';
import { notices } from './notices.js';
import { packSwiftShader } from './swiftshader.js';
import { writeTypes } from './types.js';
import { writeWgslTypes } from './wgslConstants.js';

/** Golden cases that `edgewise verify` runs by default: they test all that the others do but features, in 0.4 MB of the package. */
const GOLDEN = ['assign-crowded', 'assign-ignored-regions', 'small-bins'];

writeWgslTypes();
rmSync('dist', { recursive: true, force: true });
const metafile = await bundle({
  entryPoints: {
    index: 'src/index.ts',
    trainer: 'src/trainer.ts',
    onnx: 'src/onnx.ts',
    web: 'src/web.ts',
    tfjs: 'src/tfjs/index.ts',
    cli: 'src/cli/main.ts',
  },
  outdir: 'dist',
});
// The entries share their code: a program that imports two has one Tensor, not two.
const inBrowsers = await bundleForBrowsers({
  entryPoints: { index: 'src/index.ts', web: 'src/web.ts', tfjs: 'src/tfjs/index.ts' },
  outdir: 'dist/browser',
  format: 'esm',
  splitting: true,
  sourcemap: true,
});
packSwiftShader('dist/swiftshader');
mkdirSync('dist/golden');
for (const name of GOLDEN) copyFileSync(`test/golden/${name}.safetensors`, `dist/golden/${name}.safetensors`);
writeFileSync('dist/THIRD-PARTY.txt', notices([metafile, inBrowsers]));

await import('./size.js');

if (process.argv.includes('--types')) writeTypes();
