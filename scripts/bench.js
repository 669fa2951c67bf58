/** Bundles the bench and its peers, with their WGSL, into dist/bench/ and runs it: `npm run bench -- --help`, `bench:gpu`, `bench:memory`. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { bundle } from './bundle.js';

const peers = readdirSync('bench/peers').filter((file) => file.endsWith('.ts') && file !== 'index.ts');
await bundle({
  entryPoints: [
    'bench/main.ts',
    'bench/gpuMain.ts',
    'bench/memory.ts',
    'bench/first.ts',
    ...peers.map((file) => `bench/peers/${file}`),
  ],
  outdir: 'dist/bench',
  outbase: 'bench',
});
const [first, ...rest] = process.argv.slice(2);
const others = { gpu: 'gpuMain', memory: 'memory' };
const other = others[/** @type {keyof typeof others} */ (first)];
const own = other ? [`dist/bench/${other}.js`, ...rest] : ['dist/bench/main.js', ...process.argv.slice(2)];
const args = ['--enable-source-maps', ...own];
process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
