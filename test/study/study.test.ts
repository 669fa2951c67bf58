import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { StudyResults } from '../../src/study/types.js';
import type { LogEntry } from '../../src/train/logEntry.js';
import { readLog } from '../../src/train/runFolder.js';
import { edgewise, edgewiseStopped } from '../cli/cli.js';

/** Five trainings of four steps. */
const PLAN = {
  name: 'small',
  seeds: [0, 1],
  student: { size: 'tiny', width: 64, height: 64 },
  settings: { epochs: 2, batch: 1, warmupSteps: 2, evaluateEvery: 1 },
  teachers: { self: { size: 'tiny' } },
  teacher: 'self',
  methods: [
    { name: 'GFocal', recipe: 'gfocal' },
    { name: 'LD', recipe: 'main-kd+main-ld+vlr-ld' },
  ],
  tables: [{ title: 'With and without', baseline: 'GFocal', methods: ['LD'] }],
  curves: [{ title: 'Weight', label: 'λ', x: { LD: 0.25, GFocal: 0 } }],
};

let root: string;
let plan: string;
let straight: Awaited<ReturnType<typeof traces>>;
const argumentsOf = (name: string) => [
  'study',
  plan,
  'shapes',
  '--images',
  '2',
  '--val-images',
  '2',
  '--no-tune',
  '--out',
  join(root, name),
];

/** A process of its own that is halted when it has claimed a run, and killed when it has ended an epoch. */
function startKilled(name: string) {
  const child = spawn(process.execPath, ['dist/cli.js', ...argumentsOf(name)], { stdio: ['ignore', 'ignore', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let stderr = '';
  const halted = new Promise<void>((resolve) => {
    let began = false;
    child.stderr.on('data', (text) => {
      stderr += text;
      if (!began && /^run \d of 5/m.test(stderr)) {
        began = child.kill('SIGSTOP');
        resolve();
      }
      if (/epoch \d\/2 +loss/.test(stderr)) child.kill('SIGKILL');
    });
    child.stderr.on('end', resolve);
  });
  const ended = once(child, 'close').then(([code, by]) => ({ code, by, stderr }));
  return { halted, goOn: () => child.kill('SIGCONT'), ended };
}

/** The runs that a study said it was working on. */
const runsIn = (stderr: string): string[] => stderr.match(/(?<=^run \d of 5: )\S+/gm) ?? [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'edgewise-study-'));
  plan = join(root, 'plan.json');
  await writeFile(plan, JSON.stringify(PLAN));
});
afterAll(() => rm(root, { recursive: true }));

/** Everything that a study leaves, without the clock. */
async function traces(name: string) {
  const folder = join(root, name);
  const results = JSON.parse(await readFile(join(folder, 'results.json'), 'utf8')) as StudyResults;
  const runs: Record<string, { log: LogEntry[]; checkpoint: string; measures: string }> = {};
  for (const run of (await readdir(join(folder, 'runs'))).sort()) {
    const at = join(folder, 'runs', run);
    const checkpoint = await readFile(join(at, 'checkpoint.safetensors'));
    runs[run] = {
      log: (await readLog(at)).map((entry) => ({ ...entry, seconds: 0, imagesPerSecond: 0 })),
      checkpoint: createHash('sha256').update(checkpoint).digest('hex'),
      measures: await readFile(join(at, 'measures.json'), 'utf8'),
    };
  }
  return { results: { ...results, hours: 0, runs: results.runs.map((run) => ({ ...run, seconds: 0 })) }, runs };
}

test('a study trains its teacher, compares its runs and prints the tables', async () => {
  const { code, stdout, stderr } = await edgewise(argumentsOf('straight'));
  expect([code, stderr]).toEqual([
    0,
    expect.stringMatching(/^5 runs \(1 teacher, 4 students\), 0 of them finished.*run 5 of 5: tiny-LD-s1/s),
  ]);
  expect(stdout).toMatch(/^With and without \(plan small\)\nmethod +student +teacher +n +AP/);
  expect(stdout).toMatch(/4 of 4 students finished/);
  straight = await traces('straight');
  const [{ tables, curves }] = straight.results.plans;
  expect(tables[0].rows.map(({ method, n }) => [method, n])).toEqual([
    ['GFocal', 2],
    ['LD', 2],
  ]);
  expect(tables[0].rows[1].figures.AP?.difference).toMatchObject({ n: 2 });
  // No shape of the small images is large: COCO's −1.
  expect(tables[0].rows[1].figures.APl).toBeNull();
  expect(curves[0].points.map(({ x }) => x)).toEqual([0, 0.25]);
  expect(Object.keys(straight.runs)).toHaveLength(5);
  // GFocal, too, is compared with the teacher at every evaluation; the teacher itself with nobody.
  for (const [name, { log }] of Object.entries(straight.runs)) {
    const compared = log.map(({ agreement }) => agreement?.all.locations !== undefined);
    expect([name, compared]).toEqual([name, name.startsWith('teacher') ? [false, false] : [true, true]]);
  }
  const markdown = await readFile(join(root, 'straight', 'results.md'), 'utf8');
  expect(markdown).toMatch(/^\| method \| student \| teacher \| n \| AP \| ΔAP \|/m);
  // Their outputs are not needed any more.
  const cache = join(root, 'straight', 'teacher-cache');
  expect(existsSync(cache) ? await readdir(cache) : []).toEqual([]);
});

test('a finished study only prints, and leaves the outputs that a process on another plan may need', async () => {
  const folder = join(root, 'straight');
  const outputs = join(folder, 'teacher-cache', 'seed-0', 'epoch');
  await mkdir(dirname(outputs), { recursive: true });
  await writeFile(outputs, '');
  const claim = join(folder, 'claims', 'anothers.0');
  await writeFile(claim, JSON.stringify({ pid: 1, host: 'another.invalid', born: null, since: '' }));
  const again = await edgewise(argumentsOf('straight'));
  expect(again).toMatchObject({ code: 0, stderr: expect.not.stringMatching(/epoch/) });
  expect(existsSync(outputs)).toBe(true);
  await rm(claim);
  await edgewise(argumentsOf('straight'));
  expect(existsSync(outputs)).toBe(false);
  const printed = await edgewise(['study', '--results', join(root, 'straight'), '--json']);
  expect(printed.code).toBe(0);
  expect(JSON.parse(printed.stdout).plans).toEqual(straight.results.plans);
});

test('a study that is stopped, goes on in two processes, and loses one of them leaves the same', async () => {
  // Ctrl-C finishes the step, saves and is no error.
  const interrupted = await edgewiseStopped(argumentsOf('killed'), 'SIGINT', /run 2\/5.*epoch 1\/2 +loss/);
  expect(interrupted).toMatchObject({ code: 0, stdout: expect.stringMatching(/Stopped: give the same command again/) });
  const [, stopped] = runsIn(interrupted.stderr);
  const other = startKilled('killed');
  await other.halted;
  // This one does what the other does not, waits for it, and does what it leaves.
  const waiting = `waiting for ${stopped}: process `;
  const onStderr = (said: string) => said.includes(waiting) && other.goOn();
  const { code, stdout, stderr } = await edgewise(argumentsOf('killed'), {}, { onStderr });
  expect([code, stdout]).toEqual([0, expect.stringMatching(/4 of 4 students finished/)]);
  expect(stderr).toContain(waiting);
  const killed = await other.ended;
  expect(killed).toMatchObject({ code: null, by: 'SIGKILL' });
  expect(runsIn(killed.stderr)).toEqual([stopped]);
  expect(new Set(runsIn(stderr)).size).toBe(4);
  expect(runsIn(stderr).slice(3)).toEqual([stopped]);
  expect(await traces('killed')).toEqual(straight);
});

test('a study that is out of time says how to go on', async () => {
  expect(await edgewise([...argumentsOf('none'), '--max-hours', '0'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/0 of 4 students finished[\s\S]*Stopped: give the same command again/),
  });
});

test('other data in the same folder are refused', async () => {
  const { code, stderr } = await edgewise([...argumentsOf('straight'), '--images', '8']);
  expect(code).toBe(1);
  expect(stderr).toMatch(/holds a study of shapes \(2 and 2 images\); these are shapes \(8 and 2 images\)/);
});

test('wrong usage and a wrong plan are one clear line', async () => {
  expect(await edgewise(['study', plan])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^edgewise: give PLAN, DATA and --out, or --results or --list alone/),
  });
  expect(await edgewise(['study', '--results', join(root, 'nothing')])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/holds no study/),
  });
});
