/** Builds dist/: the library, the command line and the type declarations. */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { bundle } from './bundle.js';

rmSync('dist', { recursive: true, force: true });
await bundle({
  entryPoints: { index: 'src/index.ts', trainer: 'src/trainer.ts', onnx: 'src/onnx.ts', cli: 'src/cli/main.ts' },
  outdir: 'dist',
});

// The packages that scripts/bundle.js makes part of what is built ask for their notices.
const { resolve } = createRequire(import.meta.url);
const notices = ['onnx-proto', 'protobufjs'].map((name) => {
  const text = readFileSync(join(dirname(resolve(`${name}/package.json`)), 'LICENSE'), 'utf8');
  return `${name}\n\n${text}`;
});
writeFileSync('dist/LICENSES.txt', notices.join('\n\n'));

if (process.argv.includes('--types')) {
  const tsc = join(dirname(resolve('typescript/package.json')), 'bin/tsc');
  execFileSync(process.execPath, [tsc, '--project', 'tsconfig.build.json'], { stdio: 'inherit' });
}
