import { dirname, resolve } from 'node:path';
import { readJson } from '../data/json.js';
import { resolveRecipe } from '../losses/recipe.js';
import { assertAssigner } from '../train/phases.js';
import { trainSettings } from '../train/settings.js';
import { brief } from '../util/brief.js';
import { InputError } from '../util/error.js';
import { pathName } from '../util/pathName.js';
import { checked } from '../util/schema.js';
import { PLAN_DEFAULTS, type Plan, TRAINED_TEACHER_DEFAULTS } from './plan.generated.js';
import isPlan from './plan.jsonschema';
import { planFile } from './planFile.js';

export type { Plan } from './plan.generated.js';

/** What the command line may set instead of the plan. */
export interface PlanOverrides {
  seeds?: number[];
  /** Of the students, and of the teachers whose settings do not name any. */
  epochs?: number;
}

/**
 * Reads a plan, a file or the name of a shipped one. `extends`, one such or a list of them, files relative to the plan's own, names
 * plans that it is added to: `student`,
 * `settings` and `teachers` field by field, `methods` by name, `tables` and `curves` by title, each in its first place; the rest is replaced.
 * @throws InputError that names the file, the field, its value and what is allowed
 */
export async function readPlan(plan: string, overrides: PlanOverrides = {}): Promise<Plan> {
  const file = await planFile(plan, '.');
  return checkPlan(file, await readExtended(file, []), overrides);
}

type Fields = Record<string, unknown>;

async function readExtended(file: string, by: readonly string[]): Promise<Fields> {
  const path = resolve(file);
  if (by.includes(path)) throw new InputError(`${file}: extends is a circle; a plan cannot be added to itself.`);
  const read = await readJson(file);
  if (!isFields(read)) throw new InputError(`${file}: it holds ${brief(read)}; a plan is a JSON object.`);
  const { extends: base = [], ...own } = read;
  const bases: unknown[] = Array.isArray(base) ? base : [base];
  let merged: Fields = {};
  for (const other of bases) {
    if (typeof other !== 'string') {
      throw new InputError(
        `${file}: extends is ${brief(base)}; expected the path or the name of a plan, or a list of them.`,
      );
    }
    merged = merge(merged, await readExtended(await planFile(other, dirname(file)), [...by, path]));
  }
  return merge(merged, own);
}

function merge(base: Fields, own: Fields): Fields {
  const merged = { ...base, ...own };
  for (const field of ['student', 'settings', 'teachers']) {
    const [a, b] = [base[field], own[field]];
    if (isFields(a) && isFields(b)) merged[field] = { ...a, ...b };
  }
  for (const [field, key] of [
    ['methods', 'name'],
    ['tables', 'title'],
    ['curves', 'title'],
  ]) {
    const [a, b] = [base[field], own[field]];
    if (!Array.isArray(a) || !Array.isArray(b)) continue;
    const keyOf = (item: unknown) => (isFields(item) ? item[key] : undefined);
    const inPlace = a.map((item) => b.find((other) => keyOf(other) === keyOf(item)) ?? item);
    merged[field] = [...inPlace, ...b.filter((item) => !inPlace.includes(item))];
  }
  return merged;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A plan's defaults, and everything that its fields say of each other. @throws InputError that names the file and the field */
export function checkPlan(file: string, fields: object, { seeds, epochs }: PlanOverrides = {}): Plan {
  // Recipes and settings are checked field by field below.
  const given = checked<Plan>(fields, isPlan, { file, whole: 'a plan', remedy: 'correct it' });
  const plan: Plan = { ...PLAN_DEFAULTS, ...given };
  if (seeds) plan.seeds = seeds;
  if (epochs !== undefined) plan.settings = { ...plan.settings, epochs };
  const within = <T>(where: string, check: () => T): T => {
    try {
      return check();
    } catch (error) {
      throw new InputError(`${file}: ${where}: ${(error as Error).message}`);
    }
  };
  const fault = (message: string) => {
    throw new InputError(`${file}: ${message}`);
  };
  if (pathName(plan.name) !== plan.name)
    fault(`name is ${brief(plan.name)}, which cannot name a file; rename the plan.`);
  within('settings', () => trainSettings(plan.settings));
  for (const [name, teacher] of Object.entries(plan.teachers)) {
    if ('run' in teacher) continue;
    const { recipe } = { ...TRAINED_TEACHER_DEFAULTS, ...teacher };
    const settings = within(`teachers.${name}.settings`, () =>
      trainSettings({ ...plan.settings, ...teacher.settings }),
    );
    within(`teachers.${name}`, () => assertAssigner(resolveRecipe(recipe), settings));
  }
  const teachers = Object.keys(plan.teachers);
  const methods = plan.methods.map(({ name }) => name);
  const listed = (names: string[]) => (names.length > 0 ? `there are ${names.join(', ')}` : 'there are none');
  if (plan.teacher !== undefined && !teachers.includes(plan.teacher)) {
    fault(`teacher is ${plan.teacher}, which is not among teachers; ${listed(teachers)}.`);
  }
  for (const { name, recipe: given, teacher, settings: own } of plan.methods) {
    if (methods.filter((other) => other === name).length > 1) fault(`methods: ${name} is there twice; rename one.`);
    const settings = within(`methods, ${name}, settings`, () => trainSettings({ ...plan.settings, ...own }));
    within(`methods, ${name}`, () => assertAssigner(resolveRecipe(given), settings));
    if (own && 'seed' in own) fault(`methods, ${name}: settings.seed is ${own.seed}; leave it out, seeds sets it.`);
    if (teacher !== undefined && !teachers.includes(teacher)) {
      fault(`methods, ${name}: teacher is ${teacher}, which is not among teachers; ${listed(teachers)}.`);
    }
  }
  const named = [
    ...plan.tables.flatMap(({ title, baseline, methods: rows }) => [baseline, ...rows].map((row) => [title, row])),
    ...plan.curves.flatMap(({ title, x }) => Object.keys(x).map((row) => [title, row])),
  ];
  for (const [title, row] of named) {
    if (!methods.includes(row))
      fault(`"${title}" names the method ${row}, which is not among methods; ${listed(methods)}.`);
  }
  return plan;
}
