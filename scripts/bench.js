/**
 * Runs benches: `npm run bench` all of them, `npm run bench -- ops [arguments]` one. Each is bundled into dist/bench/ with its
 * WGSL and run by itself.
 */
import { spawnSync } from 'node:child_process';
import { build } from 'esbuild';
import { esbuildWgsl } from './wgsl.js';

const BENCHES = ['headLoss', 'ops'];

const [name, ...rest] = process.argv.slice(2);
if (name && !BENCHES.includes(name)) {
  console.error(`usage: npm run bench -- [${BENCHES.join('|')}] [arguments]`);
  process.exit(2);
}
for (const bench of name ? [name] : BENCHES) {
  const outfile = `dist/bench/${bench}.js`;
  await build({
    entryPoints: [`bench/${bench}.ts`],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    sourcemap: true,
    plugins: [esbuildWgsl()],
  });
  console.log(`\n${bench}`);
  process.exitCode ||= spawnSync(process.execPath, [outfile, ...rest], { stdio: 'inherit' }).status ?? 1;
}
