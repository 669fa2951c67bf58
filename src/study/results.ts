import { relative, resolve } from 'node:path';
import { type RunMeasures, readMeasures } from '../train/measures.js';
import { findRun } from './files.js';
import { finishedRun } from './runJob.js';
import { mean, pairedDifference, standardDeviation } from './statistics.js';
import { readDescription, readPlanRecords, readRunRecord } from './stored.js';
import {
  FIGURES,
  type Figure,
  type FigureName,
  type PlanRecord,
  type StudyPlan,
  type StudyResults,
  type StudyRow,
  type StudyRun,
} from './types.js';

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
    all.filter(
      ([name, value]) => FIGURES.some(([figure]) => figure === name) && typeof value === 'number' && value >= 0,
    ),
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
      FIGURES.map(([name]) => {
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
