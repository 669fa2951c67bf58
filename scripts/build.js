/** Builds dist/: the library, the command line, the bundles for browsers and the type declarations. */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { bundle, bundleForBrowsers } from './bundle.js';

rmSync('dist', { recursive: true, force: true });
await bundle({
  entryPoints: { index: 'src/index.ts', trainer: 'src/trainer.ts', cli: 'src/cli/main.ts' },
  outdir: 'dist',
});
// Both entries share their code: a program that imports the two has one Tensor, not two.
await bundleForBrowsers({
  entryPoints: { index: 'src/index.ts', web: 'src/web.ts' },
  outdir: 'dist/browser',
  format: 'esm',
  splitting: true,
});

await import('./size.js');

if (process.argv.includes('--types')) {
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
  execFileSync(process.execPath, [tsc, '--project', 'tsconfig.build.json'], { stdio: 'inherit' });
}
