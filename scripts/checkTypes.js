/**
 * Writes the declarations and compiles them as a strict program of Node's would, with TypeScript 5.9. `npm run test:install` does it with
 * others, from the registry; the entry for TensorFlow.js is left out, whose own declarations do not compile.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { compiler, FOLDER, writeTypes } from './types.js';

writeTypes();
const entries = readdirSync(`${FOLDER}/ts5`).filter((name) => name.endsWith('.d.ts'));
const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--lib', 'es2023,dom'];
const files = entries.map((name) => `${FOLDER}/ts5/${name}`);
try {
  execFileSync(process.execPath, [compiler('typescript'), ...options, ...files], { stdio: 'inherit' });
} catch {
  process.exitCode = 1; // tsc has said why
}
