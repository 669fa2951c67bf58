/**
 * Do the tests test? Each of test/mutations/*.json is a fault put into the code: its tests have to notice. Everything happens in
 * a copy, so the checkout stays as it is, however this ends.
 *
 *   npm run test:mutation                all of them
 *   npm run test:mutation -- ignored     those whose name, file or tests contain the word
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';

/**
 * A fault: `find`, which the file holds once, becomes `replace`; the tests are files.
 * @typedef {{ name: string, file: string, find: string, replace: string, tests: string[] }} Mutation
 */

const FOLDER = 'test/mutations';
/** Not copied: linked, made by the build, or nothing that a test reads. */
const LEFT_OUT = new Set(['node_modules', '.git', 'dist', 'runs']);

/** All mutations, in the order of their files. @returns {Mutation[]} */
function readMutations() {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .flatMap((name) => JSON.parse(readFileSync(join(FOLDER, name), 'utf8')));
}

/** The checkout as it is, without what is not in git. @returns {string} its folder */
function copyCheckout() {
  const copy = mkdtempSync(join(tmpdir(), 'edgewise-mutations-'));
  for (const name of readdirSync('.')) {
    if (!LEFT_OUT.has(name)) cpSync(name, join(copy, name), { recursive: true });
  }
  symlinkSync(resolve('node_modules'), join(copy, 'node_modules'));
  return copy;
}

/**
 * Runs test files in the copy.
 * @param {string} copy
 * @param {string[]} tests
 * @returns {Promise<{ passed: boolean, output: string }>}
 */
async function runTests(copy, tests) {
  const vitest = resolve('node_modules/vitest/vitest.mjs');
  const child = spawn(process.execPath, [vitest, 'run', '--bail=1', '--maxWorkers=1', '--reporter=dot', ...tests], {
    cwd: copy,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  stop = () => child.kill();
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
  const [code] = await once(child, 'close');
  return { passed: code === 0, output };
}

/** Ends the tests that run. */
let stop = () => {};

const words = process.argv.slice(2);
const mutations = readMutations().filter(({ name, file, tests }) =>
  words.every((word) => [name, file, ...tests].some((text) => text.includes(word))),
);
const copy = copyCheckout();
process.on('exit', () => rmSync(copy, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    stop();
    process.exit(1);
  });
}

const whole = await runTests(copy, [...new Set(mutations.flatMap(({ tests }) => tests))]);
if (!whole.passed) {
  console.error(`${whole.output}\nThe tests fail without any mutation.`);
  process.exit(1);
}
/** @type {string[]} */
const survivors = [];
for (const [i, { name, file, find, replace, tests }] of mutations.entries()) {
  const path = join(copy, file);
  const source = readFileSync(path, 'utf8');
  if (source.split(find).length !== 2) {
    console.error(`${name}: ${file} does not hold its text exactly once; put it right in ${FOLDER}.`);
    process.exit(1);
  }
  writeFileSync(
    path,
    source.replace(find, () => replace),
  );
  const { passed } = await runTests(copy, tests);
  writeFileSync(path, source);
  if (passed) survivors.push(`${name} (${file})`);
  console.log(`${i + 1}/${mutations.length} ${passed ? 'SURVIVED' : 'killed  '} ${basename(file)}: ${name}`);
}
const killed = mutations.length - survivors.length;
console.log(`\n${killed} of ${mutations.length} killed (${Math.round((100 * killed) / mutations.length)} %).`);
for (const survivor of survivors) console.log(`survived: ${survivor}`);
process.exit(survivors.length > 0 ? 1 : 0);
