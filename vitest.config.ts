import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { defineConfig } from 'vitest/config';
import { viteJsonSchema } from './scripts/jsonSchema.js';
import { viteWgsl } from './scripts/wgsl.js';

const files = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => join('test', name));

/** A file that opens an adapter, a browser or a process imports one of these; what is left is quick. */
const HEAVY = /\/(device|adapter|program|cli|child|chromium)\.js'|node:child_process|esbuild/;
/** A file that replaces modules, or takes TensorFlow.js' only WebGPU backend, needs a process of its own. */
const ALONE = /vi\.(do)?[mM]ock\(|vi\.resetModules|'@tensorflow\/tfjs/;
const having = (pattern: RegExp) => files.filter((file) => pattern.test(readFileSync(file, 'utf8')));
const alone = having(ALONE);
const adapter = having(HEAVY).filter((file) => !alone.includes(file));
const quick = files.filter((file) => !alone.includes(file) && !adapter.includes(file));

export default defineConfig({
  plugins: [viteWgsl(), viteJsonSchema()],
  resolve: {
    // For programs of docs/ and examples/, which test/program.ts runs.
    alias: [
      { find: /^edgewise$/, replacement: resolve('src/index.ts') },
      { find: /^edgewise\/trainer$/, replacement: resolve('src/trainer.ts') },
    ],
  },
  test: {
    pool: 'forks',
    // A software adapter uses every core by itself; two files at once keep both busy while one compiles.
    maxWorkers: 2,
    // Files share a process, its modules and its device: loading and compiling these takes longer than most tests.
    isolate: false,
    // Against a hang only: no machine is so slow.
    testTimeout: 3_600_000,
    hookTimeout: 3_600_000,
    projects: [
      // No adapter: what asks for one by mistake fails.
      {
        extends: true,
        test: { name: 'quick', include: quick, env: { EDGEWISE_ADAPTER: 'none: import test/device.ts' } },
      },
      { extends: true, test: { name: 'adapter', include: adapter } },
      { extends: true, test: { name: 'alone', include: alone, isolate: true } },
    ],
  },
});
