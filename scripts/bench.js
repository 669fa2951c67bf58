/** Bundles the bench and its peers, with their WGSL, into dist/bench/ and runs it: `npm run bench -- --help`, `npm run bench:gpu`. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { bundle } from './bundle.js';

const peers = readdirSync('bench/peers').filter((file) => file.endsWith('.ts') && file !== 'index.ts');
await bundle({
  entryPoints: ['bench/main.ts', 'bench/gpuMain.ts', 'bench/first.ts', ...peers.map((file) => `bench/peers/${file}`)],
  outdir: 'dist/bench',
  outbase: 'bench',
});
const [first, ...rest] = process.argv.slice(2);
const own = first === 'gpu' ? ['dist/bench/gpuMain.js', ...rest] : ['dist/bench/main.js', ...process.argv.slice(2)];
const args = ['--enable-source-maps', ...own];
process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
