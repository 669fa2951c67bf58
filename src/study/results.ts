import { join, relative, resolve } from 'node:path';
import { type RunMeasures, readMeasures } from '../train/measures.js';
import { writeWhole } from '../util/atomicFile.js';
import { FILES, findRun, pretty, type StudyDescription } from './files.js';
import type { Grid } from './jobs.js';
import { describeResults } from './markdown.js';
import type { Plan } from './plan.js';
import { finishedRun } from './runJob.js';
import { mean, type PairedDifference, pairedDifference, standardDeviation } from './statistics.js';
import { readDescription, readPlanRecords, readRunRecord } from './stored.js';

/** COCO's average precisions, as fractions of one, and the distances to the teacher. */
const FIGURES = [
  'AP',
  'AP50',
  'AP75',
  'APs',
  'APm',
  'APl',
  'classificationError',
  'localizationError',
  'totalVariation',
] as const;
export type FigureName = (typeof FIGURES)[number];

/** A plan and which runs are its: `plans/NAME.json` in a study's folder. */
export interface PlanRecord {
  plan: Plan;
  methods: { method: string; size: string; teacher: string | null; hashes: string[] }[];
}

/** A figure over the seeds that have it. */
export interface Figure {
  n: number;
  mean: number;
  /** Sample standard deviation; null with one seed. */
  deviation: number | null;
  /** To the table's baseline over the same seeds; null for itself, and for errors to different teachers. */
  difference: PairedDifference | null;
}

export interface StudyRow {
  method: string;
  size: string;
  teacher: string | null;
  isBaseline: boolean;
  /** Seeds that are finished. */
  n: number;
  /** Null where no seed has it: no small objects in the data, or no teacher. */
  figures: Record<FigureName, Figure | null>;
  /** AP of each class that has objects, by its name. */
  classes: Record<string, Figure>;
}

export interface StudyTable {
  title: string;
  baseline: string;
  rows: StudyRow[];
}

export interface StudyCurve {
  title: string;
  label: string;
  /** By rising x. */
  points: ({ method: string; x: number } & Pick<StudyRow, 'figures' | 'classes'>)[];
}

export interface StudyPlan {
  name: string;
  seeds: number[];
  epochs: number | null;
  tables: StudyTable[];
  curves: StudyCurve[];
}

interface StudyRun {
  plan: string;
  method: string;
  seed: number;
  /** Runs of two plans that are the same have the same. */
  hash: string;
  /** Within the study's folder; null while there is none. */
  folder: string | null;
  finished: boolean;
  /** 0 while it is not finished. */
  seconds: number;
  figures: Partial<Record<FigureName, number>>;
  /** AP by class. */
  classes: Record<string, number>;
}

/** `results.json` of a study's folder. */
export interface StudyResults {
  study: StudyDescription;
  plans: StudyPlan[];
  runs: StudyRun[];
  /** Trainings of the plans, each once, teachers left out: how many there are, and how many of them are finished. */
  students: { of: number; finished: number };
  /** Of all runs of these plans, teachers included, each once. */
  hours: number;
}

export function recordOf(plan: Plan, { methods }: Grid): PlanRecord {
  return {
    plan,
    methods: methods.map(({ method, size, teacher, jobs }) => ({
      method,
      size,
      teacher,
      hashes: jobs.map(({ hash }) => hash),
    })),
  };
}

/**
 * Writes `results.json` and `results.md` of all plans in a study's folder.
 * @throws InputError when it is no study's folder
 */
export async function writeResults(study: string): Promise<StudyResults> {
  const results = await collectResults(study);
  await writeWhole(join(study, FILES.results), pretty(results));
  await writeWhole(join(study, FILES.markdown), describeResults(results));
  return results;
}

/**
 * The tables of all plans in a study's folder, from the runs that are finished.
 * @throws InputError when it is no study's folder, or a file in it is broken
 */
export async function collectResults(study: string): Promise<StudyResults> {
  const description = await readDescription(study);
  const plans: StudyPlan[] = [];
  const runs: StudyRun[] = [];
  const seconds = new Map<string, number>();
  for (const record of await readPlanRecords(study)) {
    const found = await findRuns(study, record, seconds);
    runs.push(...found);
    plans.push(tablesOf(record, found));
  }
  const hours = [...seconds.values()].reduce((sum, value) => sum + value, 0) / 3600;
  const count = (some: StudyRun[]) => new Set(some.map(({ hash }) => hash)).size;
  const students = { of: count(runs), finished: count(runs.filter(({ finished }) => finished)) };
  return { study: description, plans, runs, students, hours };
}

async function findRuns(study: string, { plan, methods }: PlanRecord, seconds: Map<string, number>) {
  const runs: StudyRun[] = [];
  for (const { method, hashes } of methods) {
    for (const [i, hash] of hashes.entries()) {
      const finished = await finishedRun(study, hash);
      const measures = finished === undefined ? null : await readMeasures(finished);
      const record = finished === undefined ? null : await readRunRecord(finished);
      const folder = finished ?? (await findRun(study, hash));
      if (record) {
        seconds.set(hash, record.seconds);
        // 0 for one that another study or command has trained.
        if (record.teacher)
          seconds.set(record.teacher, (await readRunRecord(resolve(study, record.teacher)))?.seconds ?? 0);
      }
      runs.push({
        plan: plan.name,
        method,
        seed: plan.seeds[i],
        hash,
        folder: folder === undefined ? null : relative(study, folder),
        finished: measures !== null,
        seconds: record?.seconds ?? 0,
        figures: measures ? figuresOf(measures) : {},
        classes: measures ? classesOf(measures) : {},
      });
    }
  }
  return runs;
}

/** Those that are defined: COCO's −1 says that no object is of that size. */
function figuresOf({ stats, agreement }: RunMeasures): Partial<Record<FigureName, number>> {
  const distances = agreement && agreement.all.locations > 0 ? agreement.all : {};
  const all = Object.entries<unknown>({ ...stats, ...distances });
  return Object.fromEntries(
    all.filter(([name, value]) => FIGURES.includes(name as FigureName) && typeof value === 'number' && value >= 0),
  );
}

function classesOf({ perClass }: RunMeasures): Record<string, number> {
  return Object.fromEntries(Object.entries(perClass).flatMap(([name, { AP }]) => (AP >= 0 ? [[name, AP]] : [])));
}

function tablesOf({ plan, methods }: PlanRecord, runs: StudyRun[]): StudyPlan {
  const rowOf = (method: string, baseline: string): StudyRow => {
    const about = methods.find((one) => one.method === method);
    const reference = methods.find((one) => one.method === baseline);
    const [own, others] = [method, baseline].map((name) => runs.filter((run) => run.method === name));
    const sameTeacher = about?.teacher === reference?.teacher;
    const isBaseline = method === baseline;
    const figures = Object.fromEntries(
      FIGURES.map((name) => {
        const comparable = !isBaseline && (name.startsWith('AP') || sameTeacher);
        return [name, figureOf(({ figures: all }) => all[name], own, comparable ? others : [])];
      }),
    ) as Record<FigureName, Figure | null>;
    const classes = Object.fromEntries(
      [...new Set(own.flatMap((run) => Object.keys(run.classes)))].flatMap((name) => {
        const figure = figureOf(
          ({ classes: all }) => (Object.hasOwn(all, name) ? all[name] : undefined),
          own,
          isBaseline ? [] : others,
        );
        return figure ? [[name, figure]] : [];
      }),
    );
    const n = own.filter(({ finished }) => finished).length;
    return { method, size: about?.size ?? '', teacher: about?.teacher ?? null, isBaseline, n, figures, classes };
  };
  return {
    name: plan.name,
    seeds: plan.seeds,
    epochs: plan.settings.epochs ?? null,
    tables: plan.tables.map(({ title, baseline, methods: rows }) => ({
      title,
      baseline,
      rows: [baseline, ...rows.filter((name) => name !== baseline)].map((name) => rowOf(name, baseline)),
    })),
    curves: plan.curves.map(({ title, label, x }) => ({
      title,
      label,
      points: Object.entries(x)
        .sort(([, a], [, b]) => a - b)
        .map(([method, at]) => {
          const { figures, classes } = rowOf(method, method);
          return { method, x: at, figures, classes };
        }),
    })),
  };
}

function figureOf(pick: (run: StudyRun) => number | undefined, runs: StudyRun[], baseline: StudyRun[]): Figure | null {
  const values = runs.flatMap((run) => pick(run) ?? []);
  if (values.length === 0) return null;
  const pairs = runs.flatMap((run): [number, number][] => {
    const other = baseline.find(({ seed }) => seed === run.seed);
    const [a, b] = [pick(run), other && pick(other)];
    return a === undefined || b === undefined ? [] : [[a, b]];
  });
  return {
    n: values.length,
    mean: mean(values),
    deviation: standardDeviation(values),
    difference: pairs.length > 0 ? pairedDifference(pairs) : null,
  };
}
