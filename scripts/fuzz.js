/**
 * `npm run fuzz -- [--seed N] [--count N] [--commands N] [--from N]`: damages inputs of every kind (test/fuzz), reads them
 * in a worker as the product does, and runs a sample of them, and of mangled arguments, through the command line. Whatever is no
 * clear line and no whole result is printed with its number: a stack, a hang, a figure that is not defined, a file that is left
 * behind. Exits 1 then.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { bundle } from './bundle.js';

/** Longer than any case on any machine. */
const HANG_MS = 120_000;
const COMMAND_HANG_MS = 600_000;
const OUTDIR = 'node_modules/.cache/edgewise-fuzz';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '6000' },
    commands: { type: 'string', default: '100' },
    from: { type: 'string', default: '0' },
  },
});
const [seed, cases, commands, from] = [values.seed, values.count, values.commands, values.from].map(Number);

await bundle({ entryPoints: { worker: 'test/fuzz/worker.ts', commands: 'test/fuzz/commands.ts' }, outdir: OUTDIR });
/** @type {Map<string, Record<string, number>>} by kind of input, how many had which outcome */
const counts = new Map();
let faults = 0;

for (let next = from; next < cases; ) next = await runWorker(next);
const root = mkdtempSync(join(tmpdir(), 'edgewise-fuzz-'));
for (let number = 0; number < commands; number++) await runCommand(number);
rmSync(root, { recursive: true });

console.table(Object.fromEntries(counts));
console.log(`${cases - from} inputs and ${commands} commands of seed ${seed}: ${faults} faults`);
process.exitCode = faults > 0 ? 1 : 0;

/** @param {string} name @param {string} kind @param {string} detail @param {number} number */
function count(name, kind, detail, number) {
  const own = counts.get(name) ?? {};
  counts.set(name, { ...own, [kind]: (own[kind] ?? 0) + 1 });
  if (kind === 'accepted' || kind === 'refused') return;
  faults++;
  console.log(`${name}, case ${number}: ${kind}\n${detail}\n`);
}

/** Reads cases until the end or until one hangs. @param {number} start @returns {Promise<number>} the next case */
function runWorker(start) {
  return new Promise((done) => {
    const worker = new Worker(resolve(OUTDIR, 'worker.js'), {
      workerData: { seed, from: start, cases },
      resourceLimits: { maxOldGenerationSizeMb: 2048 },
    });
    let last = { number: start, name: 'none' };
    const give = (/** @type {string} */ kind, /** @type {string} */ detail) => {
      clearTimeout(timer);
      count(last.name, kind, detail, last.number);
      void worker.terminate();
      done(last.number + 1);
    };
    const timer = setTimeout(() => give('hang', ''), HANG_MS);
    worker.on('message', ({ outcome, ...about }) => {
      timer.refresh();
      last = about;
      if (outcome) count(about.name, outcome.kind, outcome.detail, about.number);
    });
    worker.on('error', (error) => give('stack', String(error.stack ?? error)));
    worker.on('exit', (code) => {
      clearTimeout(timer);
      if (code === 0) done(cases);
    });
  });
}

/** @param {number} number */
async function runCommand(number) {
  const { commandCase } = await import(resolve(OUTDIR, 'commands.js'));
  const folder = join(root, String(number));
  await mkdir(folder);
  const words = await commandCase(seed, number, folder);
  const given = await filesIn(folder);
  const result = await start(words, folder);
  const made = (await filesIn(folder)).filter((file) => !given.includes(file));
  const kind = await judge(words, result, made);
  rmSync(folder, { recursive: true, force: true });
  const told = `edgewise ${words.map((/** @type {string} */ word) => JSON.stringify(word.slice(0, 100))).join(' ')}`;
  const left = made.length > 0 ? `\nmade ${made.join(', ')}` : '';
  const detail = `exit code ${result.code}: ${told}\n${result.stderr}${result.stdout}`.slice(0, 2000);
  count('command line', kind, `${detail}${left}`, number);
}

/**
 * @param {string[]} words
 * @param {Awaited<ReturnType<typeof start>>} result
 * @param {string[]} made files
 */
async function judge(words, { code, stdout, stderr, hangs }, made) {
  if (hangs) return 'hang';
  if (/\n {4}at /.test(stderr)) return 'stack';
  if (code === null || code > 2) return 'exit code';
  const wantsJson = words.includes('--json') && !words.includes('--help') && words[0] !== 'help';
  if (wantsJson && !isObject(stdout)) return 'no JSON';
  if (code !== 0) return made.length > 0 ? 'file left behind' : 'refused';
  const written = made.filter((file) => /\.(json|jsonl|md)$/.test(file)).map((file) => readFileSync(file, 'utf8'));
  return [stdout, ...written].some((text) => /\bNaN\b|\bundefined\b|\bInfinity\b/.test(text))
    ? 'undefined figure'
    : 'accepted';
}

/** @param {string} folder */
async function filesIn(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.flatMap((entry) => (entry.isFile() ? [join(entry.parentPath ?? entry.path, entry.name)] : []));
}

/** @param {string} text */
function isObject(text) {
  try {
    return text.trim().split('\n').length === 1 && typeof JSON.parse(text) === 'object';
  } catch {
    return false;
  }
}

/**
 * @param {string[]} words
 * @param {string} cwd
 * @returns {Promise<{ code: number | null; stdout: string; stderr: string; hangs: boolean }>}
 */
function start(words, cwd) {
  return new Promise((done) => {
    const child = spawn(process.execPath, [resolve('dist/cli.js'), ...words], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const found = { stdout: '', stderr: '', hangs: false };
    child.stdout.on('data', (chunk) => {
      found.stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      found.stderr += chunk;
    });
    const timer = setTimeout(() => {
      found.hangs = true;
      child.kill('SIGKILL');
    }, COMMAND_HANG_MS);
    child.on('close', (code) => {
      clearTimeout(timer);
      done({ code, ...found });
    });
  });
}
