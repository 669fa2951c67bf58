import type { StudyDescription } from './files.js';
import type { Plan } from './plan.js';
import type { PairedDifference } from './statistics.js';

/** COCO's average precisions, as fractions of one, and the distances to the teacher: names and, in tables, labels. */
export const FIGURES = [
  ['AP', 'AP'],
  ['AP50', 'AP50'],
  ['AP75', 'AP75'],
  ['APs', 'APs'],
  ['APm', 'APm'],
  ['APl', 'APl'],
  ['localizationError', 'edge error'],
  ['classificationError', 'class error'],
  ['totalVariation', 'edge TV'],
] as const;
export type FigureName = (typeof FIGURES)[number][0];

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

export interface StudyRun {
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
