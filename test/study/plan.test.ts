import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { shapesDataset } from '../../src/data/shapes.js';
import { identify, planJobs } from '../../src/study/jobs.js';
import { readPlan } from '../../src/study/plan.js';
import { shippedPlans } from '../../src/study/planFile.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewise-plan-'));
});
afterAll(() => rm(folder, { recursive: true }));

const PLAN = {
  name: 'made',
  seeds: [0, 1],
  student: { size: 'tiny' },
  teachers: { big: { size: 'small' } },
  teacher: 'big',
  methods: [
    { name: 'plain', recipe: 'gfocal' },
    { name: 'LD', recipe: 'main-ld' },
  ],
  tables: [{ title: 'Both', baseline: 'plain', methods: ['LD'] }],
};

async function write(name: string, plan: object): Promise<string> {
  const file = join(folder, `${name}.json`);
  await writeFile(file, JSON.stringify(plan));
  return file;
}

const data = {
  name: 'shapes',
  path: 'shapes',
  train: shapesDataset({ count: 4, seed: 1, width: 60, height: 64 }),
  validation: shapesDataset({ count: 2, seed: 2, width: 60, height: 64 }),
  width: 60,
  height: 64,
};
const gridOf = async (plan: object) => planJobs(await readPlan(await write('grid', plan)), data, await identify(data));

test.each<[object, RegExp]>([
  [{ seeds: [] }, /seeds is \[\]; it must NOT have fewer than 1 items/],
  [{ seeds: [1, 1] }, /seeds is \[1,1\]; it must NOT have duplicate items/],
  [{ name: '../../x' }, /name is "\.\.\/\.\.\/x"; it must match pattern/],
  [{ name: 'n'.repeat(81) }, /name is .*must match pattern/],
  [{ name: 'Con' }, /name is "Con", which cannot name a file; rename the plan/],
  [{ seeds: [2 ** 32] }, /seeds\.0 is 4294967296; it must be <= 4294967295/],
  [{ student: { size: 'huge' } }, /student\.size is "huge"; it must be equal to one of .* tiny, small, base/],
  [{ colour: 1 }, /unknown field colour \(a plan has name, seeds/],
  [{ methods: [{ name: 'plain' }] }, /methods\.0\.recipe is missing/],
  [
    { methods: [{ name: 'LD', recipe: 'best' }] },
    /methods, LD: recipe: there is none called best; the shipped ones are/,
  ],
  [{ methods: [{ name: 'LD', recipe: { ld: { mian: 1 } } }] }, /methods, LD: .*unknown field ld\.mian/],
  [{ methods: [...PLAN.methods, PLAN.methods[0]] }, /methods: plain is there twice/],
  [{ methods: [{ name: 'plain', recipe: 'gfocal', settings: { seed: 3 } }] }, /settings\.seed is 3; leave it out/],
  [{ settings: { epochs: 0 } }, /settings: epochs is 0; it must be >= 1/],
  [{ settings: { speed: 0 } }, /settings: unknown field speed \(a training's settings has epochs/],
  [{ teacher: 'small' }, /teacher is small, which is not among teachers; there are big/],
  [{ teachers: { big: { size: 'small', run: 'x' } } }, /teachers\.big is .*; it must NOT have more than 1 properties/],
  [{ teachers: { big: { size: 'small', sise: 1 } } }, /unknown field teachers\.big\.sise \(teachers\.big has size, se/],
  [{ teachers: { 'a\nb': { size: 1 } } }, /teachers\.a b\.size is 1; it must be equal to one of/],
  [{ teachers: { big: {} } }, /teachers\.big\.size is missing/],
  [{ tables: [{ title: 'Both', baseline: 'no', methods: [] }] }, /"Both" names the method no, which is not among/],
  [{ curves: [{ title: 'T', label: 'T', x: { LD: '1' } }] }, /curves\.0\.x\.LD is "1"; it must be number/],
  [{ extends: 'nowhere.json' }, /nowhere\.json does not exist/],
  [{ extends: 'wrong.json' }, /wrong\.json: extends is a circle/],
])('a wrong plan says where and what: %j', async (change, message) => {
  const file = await write('wrong', { ...PLAN, ...change });
  await expect(readPlan(file)).rejects.toThrow(message);
  await expect(readPlan(file)).rejects.toThrow(/wrong\.json|nowhere\.json/);
});

test('a plan is added to the ones that it extends, what it replaces in its place', async () => {
  await write('base', { ...PLAN, settings: { epochs: 3, batch: 2 } });
  const file = await write('more', {
    extends: ['base.json'],
    name: 'more',
    settings: { batch: 4 },
    methods: [
      { name: 'KD', recipe: 'main-kd' },
      { name: 'plain', recipe: 'vlr-ld' },
    ],
    tables: [{ title: 'Other', baseline: 'LD', methods: ['KD'] }],
  });
  const plan = await readPlan(file, { seeds: [5], epochs: 9 });
  expect(plan).toMatchObject({ name: 'more', seeds: [5], settings: { epochs: 9, batch: 4 }, teacher: 'big' });
  expect(plan.methods.map(({ name, recipe }) => [name, recipe])).toEqual([
    ['plain', 'vlr-ld'],
    ['LD', 'main-ld'],
    ['KD', 'main-kd'],
  ]);
  expect(plan.tables.map(({ title }) => title)).toEqual(['Both', 'Other']);
});

test('runs come seed by seed after their teachers, and a hash tells what decides their bits', async () => {
  const { jobs, methods } = await gridOf(PLAN);
  const names = jobs.map(({ name, hash }) => name.replace(`-${hash}`, ''));
  expect(names).toEqual(['teacher-big-s100', 'tiny-plain-s0', 'tiny-LD-s0', 'tiny-plain-s1', 'tiny-LD-s1']);
  expect(jobs[1].detector).toMatchObject({ size: 'tiny', width: 64, height: 64, classes: 3 });
  const hashes = (grid: typeof methods) => grid.flatMap((method) => method.jobs.map(({ hash }) => hash));
  const before = hashes(methods);
  expect(new Set(before).size).toBe(4);

  const renamed = await gridOf({
    ...PLAN,
    name: 'other',
    methods: [
      { name: 'A', recipe: { name: 'x' } },
      { name: 'B', recipe: { name: 'y', ld: { main: 0.25 } } },
    ],
    tables: [],
  });
  expect(hashes(renamed.methods)).toEqual(before);
  const recomputed = await gridOf({ ...PLAN, settings: { recompute: true } });
  expect(hashes(recomputed.methods)).toEqual(before);
  for (const change of [
    { settings: { epochs: 3 } },
    { student: { size: 'tiny', bins: 9 } },
    { student: { size: 'small' } },
    { teachers: { big: { size: 'small', seed: 7 } } },
    { teachers: { big: { size: 'small', settings: { epochs: 3 } } } },
  ]) {
    const changed = await gridOf({ ...PLAN, ...change });
    for (const hash of hashes(changed.methods)) expect(before).not.toContain(hash);
  }
  const others = { ...data, train: shapesDataset({ count: 4, seed: 9, width: 60, height: 64 }) };
  expect(await identify(others)).not.toBe(await identify(data));
});

test('with a single class, class distillation of all runs has the form that says something', async () => {
  const one = { classes: data.train.classes.slice(0, 1) };
  const single = { ...data, train: { ...data.train, ...one }, validation: { ...data.validation, ...one } };
  const plan = await readPlan(
    await write('one', { ...PLAN, methods: [{ name: 'plain', recipe: 'main-kd' }], tables: [] }),
  );
  const { jobs, notices } = await planJobs(plan, single, 'identity');
  expect(jobs.map(({ recipe }) => recipe.kd.form)).toEqual(['softmax', 'binary', 'binary']); // the teacher does not distil
  expect(notices).toEqual([expect.stringMatching(/^recipe main-kd: with a single class/)]);
});

test('a study of splits with other classes is refused before its first run', async () => {
  const reordered = { ...data, validation: { ...data.validation, classes: [...data.validation.classes].reverse() } };
  const planned = planJobs(await readPlan(await write('classes', PLAN)), reordered, 'identity');
  await expect(planned).rejects.toThrow(/classes: the training set has 3 .* the same names in another order/);
});

test('a recipe that distils needs a teacher whose bins can be brought into its own', async () => {
  const { teacher: _, ...alone } = PLAN;
  await expect(gridOf(alone)).rejects.toThrow(/methods, LD: its recipe distils but it has no teacher/);
  const offset = { recipe: { box: { parameters: 'offset' } }, size: 'small' };
  await expect(gridOf({ ...PLAN, teachers: { big: offset } })).rejects.toThrow(
    /box\.parameters: ltrb for the student of method plain, offset for the teacher/,
  );
  const middle = { size: 'small', recipe: { regions: { centreOffset: 0.5 } } };
  await expect(gridOf({ ...PLAN, teachers: { big: middle } })).resolves.toBeDefined();
});

test("the shipped plans are plans, and all of the paper's together have each run once", async () => {
  const files = (await readdir('plans')).sort();
  const identity = await identify(data);
  const hashes = new Set<string>();
  let all = 0;
  for (const file of files) {
    const { jobs } = await planJobs(await readPlan(join('plans', file)), data, identity);
    if (file === 'paper.json') all = jobs.length;
    // The neutral comparison of methods has settings of its own.
    if (file !== 'methods.json') for (const { hash } of jobs) hashes.add(hash);
  }
  expect(all).toBe(hashes.size);
});

test('plans of the package go by name, in extends too', async () => {
  const names = await shippedPlans();
  expect(names).toEqual(expect.arrayContaining(['paper', 'regions', 'temperature']));
  for (const name of names) expect((await readPlan(name)).name).toBe(name);
  const file = await write('own', { extends: 'regions', name: 'own', seeds: [7] });
  const own = await readPlan(file);
  expect(own).toEqual({ ...(await readPlan('regions')), name: 'own', seeds: [7] });
  await expect(readPlan('papers')).rejects.toThrow(
    /none called papers; there are against, .*or give a file: \.\/papers/,
  );
});
