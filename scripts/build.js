/** Builds dist/: the library, the command line, the bundles for browsers and the type declarations. */
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { bundle, bundleForBrowsers } from './bundle.js';
import { notices } from './notices.js';
import { packSwiftShader } from './swiftshader.js';

rmSync('dist', { recursive: true, force: true });
const metafile = await bundle({
  entryPoints: {
    index: 'src/index.ts',
    trainer: 'src/trainer.ts',
    onnx: 'src/onnx.ts',
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
writeFileSync('dist/THIRD-PARTY.txt', notices([metafile, inBrowsers]));

await import('./size.js');

if (process.argv.includes('--types')) {
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
  execFileSync(process.execPath, [tsc, '--project', 'tsconfig.build.json'], { stdio: 'inherit' });
}
