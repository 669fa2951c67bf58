/** Bundles the bench and its peers, with their WGSL, into dist/bench/ and runs it: `npm run bench -- --help`. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { bundle } from './bundle.js';

const peers = readdirSync('bench/peers').filter((file) => file.endsWith('.ts') && file !== 'index.ts');
await bundle({
  entryPoints: ['bench/main.ts', 'bench/first.ts', ...peers.map((file) => `bench/peers/${file}`)],
  outdir: 'dist/bench',
  outbase: 'bench',
});
const args = ['--enable-source-maps', 'dist/bench/main.js', ...process.argv.slice(2)];
process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
