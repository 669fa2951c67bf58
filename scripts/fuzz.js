/** Bundles the fuzzer into dist/fuzz/ and runs it: `npm run fuzz -- --count 20000`. */
import { spawnSync } from 'node:child_process';
import { bundle } from './bundle.js';

await bundle({ entryPoints: ['test/fuzz/main.ts'], outdir: 'dist/fuzz' });
const args = ['--enable-source-maps', 'dist/fuzz/main.js', ...process.argv.slice(2)];
process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
