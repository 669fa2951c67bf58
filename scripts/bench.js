/** Runs a bench: `node scripts/bench.js ops` bundles bench/ops.ts into dist/bench/ and runs it. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { build } from 'esbuild';
import { esbuildWgsl } from './wgsl.js';

const [name, ...rest] = process.argv.slice(2);
if (!name || !existsSync(`bench/${name}.ts`)) {
  console.error('usage: node scripts/bench.js NAME [arguments]    NAME: a file bench/NAME.ts');
  process.exit(1);
}
const outfile = `dist/bench/${name}.js`;
await build({
  entryPoints: [`bench/${name}.ts`],
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  sourcemap: true,
  plugins: [esbuildWgsl()],
});
process.exitCode = spawnSync(process.execPath, [outfile, ...rest], { stdio: 'inherit' }).status ?? 1;
