/** Commands in processes of their own, and what the trials ask of them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a trial has found wrong. */
export class Fault extends Error {}

/**
 * @param {unknown} holds
 * @param {string} message
 * @returns {asserts holds}
 */
export function assert(holds, message) {
  if (!holds) throw new Fault(message);
}

/** Processes that run. @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * How a command ended.
 * @typedef {{ code: number | null, by: NodeJS.Signals | null, stdout: string, stderr: string, output: string, seconds: number }} Ended
 */

/**
 * Runs a command to its end, or sends it a signal.
 * @param {string[]} args
 * @param {{ signal: NodeJS.Signals, seconds: number }} [fault]
 * @returns {Promise<Ended>}
 */
export async function run(args, fault) {
  const started = performance.now();
  const child = spawn(process.execPath, ['dist/cli.js', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  const timer = fault && setTimeout(() => child.kill(fault.signal), 1000 * fault.seconds);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const [code, by] = await once(child, 'close');
  clearTimeout(timer);
  running.delete(child);
  const output = `$ edgewise ${args.join(' ')}\n${stdout}${stderr}(${by ?? `exit code ${code}`})`;
  assert(
    !/^\s+at .*[:(]|node:internal|Error:|\[object /m.test(stdout + stderr),
    `a stack, or an error as it is:\n${output}`,
  );
  const faults = stderr.split('\n').filter((line) => line.startsWith('edgewise: '));
  assert(code === 0 || by !== null || faults.length === 1, `not one line that says what is wrong:\n${output}`);
  return { code, by, stdout, stderr, output, seconds: (performance.now() - started) / 1000 };
}

/** Fields of JSON that tell when and where it was. */
const CIRCUMSTANCES = new Set(['teacherRun', 'started', 'seconds', 'imagesPerSecond', 'hours', 'since']);

/**
 * The files of a folder: their paths within it, and their contents, without when and where they were made.
 * @param {string} folder
 * @returns {Map<string, Buffer>}
 */
export function contentsOf(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map(({ parentPath, name }) => join(parentPath, name)).sort();
  return new Map(paths.map((path) => [path.slice(folder.length + 1), essence(path)]));
}

/** @param {string} path */
function essence(path) {
  const bytes = readFileSync(path);
  const isLines = path.endsWith('.jsonl');
  if (!isLines && !path.endsWith('.json')) return bytes;
  const without = (/** @type {string} */ text) =>
    JSON.stringify(JSON.parse(text, (key, value) => (CIRCUMSTANCES.has(key) ? 0 : value)));
  const text = bytes.toString();
  return Buffer.from(isLines ? text.trim().split('\n').filter(Boolean).map(without).join('\n') : without(text));
}

/**
 * Compares what a disturbed work has left with what one in one go did: the same files with the same contents. Outputs of a
 * teacher may be fewer in a cache: they are a help, no result.
 * @param {string} folder
 * @param {string} straight
 * @param {string} history what was done
 */
export function assertSame(folder, straight, history) {
  const [found, expected] = [contentsOf(folder), contentsOf(straight)];
  const isHelp = (/** @type {string} */ path) =>
    /^cache\/.*\.f16$/.test(path) && expected.has('checkpoint.safetensors');
  const surplus = [...found.keys()].filter((path) => !expected.has(path));
  assert(surplus.length === 0, `left over: ${surplus.join(', ')}\n${history}`);
  for (const [path, content] of expected) {
    const other = found.get(path);
    if (other === undefined && isHelp(path)) continue;
    assert(other?.equals(content), `${path} ${other ? 'is another' : 'is missing'}\n${history}`);
  }
}
