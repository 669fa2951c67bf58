// Made of plan.schema.ts by `npm run schemas`; not to be edited.
import type { PartialRecipe } from '../losses/recipe.js';
import type { TrainSettings } from '../train/settings.js';

/** A teacher that the study trains once. */
export interface TrainedTeacher {
  /** Of the teacher, which the study trains once. */
  size: 'tiny' | 'small' | 'base';
  /** On top of the plan's. */
  settings?: Partial<TrainSettings>;
  /** How it is trained. Default 'gfocal'. */
  recipe?: string | PartialRecipe;
  /**
   * Apart from the students' seeds, or a teacher of their size would be one of them. Whole, 0 to 4294967295; default
   * 100.
   */
  seed?: number;
}

/** The default of every field that has one. */
export const TRAINED_TEACHER_DEFAULTS: Required<Pick<TrainedTeacher, 'recipe' | 'seed'>> = {
  recipe: 'gfocal',
  seed: 100,
};

/** A teacher that the study trains once, or a run that is there. */
export type PlanTeacher = TrainedTeacher | {
  /** In place of all these: the folder of a run that is there. */
  run: string;
};

/** One row of a table: how a student is trained. */
export interface PlanMethod {
  /** In the tables. */
  name: string;
  /** A shipped recipe's name, or the fields that differ from `gfocal`. */
  recipe: string | PartialRecipe;
  /** Name of one of `teachers`, in place of the plan's. Without distillation the student is only compared with it. */
  teacher?: string;
  /** In place of the plan's `student.size`. */
  size?: 'tiny' | 'small' | 'base';
  /** On top of the plan's; without `seed`. */
  settings?: Partial<TrainSettings>;
}

/** Methods beside a baseline. */
export interface PlanTable {
  /** Over the table. */
  title: string;
  /** The method that the others are compared with, seed by seed. */
  baseline: string;
  /** The other rows, in order. */
  methods: string[];
}

/** Figures of methods along a number that sets them apart, such as a temperature. */
export interface PlanCurve {
  /** Over the figure. */
  title: string;
  /** What the number is. */
  label: string;
  /** The number of each method. */
  x: Record<string, number>;
}

/** A grid of methods and seeds, and the tables to make of it. */
export interface Plan {
  /** Of the study: letters, digits, dots, lines; at most 80. */
  name: string;
  /** Each method is trained once with each. */
  seeds: number[];
  /** The detector that every method trains. */
  student: {
    /** Of the students. */
    size: 'tiny' | 'small' | 'base';
    /** Of the distribution of an edge; 17 if left out. Whole, 1 or more. */
    bins?: number;
    /** 8, 16, 32 if left out. */
    strides?: number[];
    /** Of the input; the data's if left out. Whole, 1 or more. */
    width?: number;
    /** Of the input; the data's if left out. Whole, 1 or more. */
    height?: number;
  };
  /** Of every training; what is left out is the default of `train`. Default {}. */
  settings: Partial<TrainSettings>;
  /** By name: detectors that students learn from. Default {}. */
  teachers: Record<string, PlanTeacher>;
  /** Name of the methods' teacher, unless they name another. */
  teacher?: string;
  /** What is compared. */
  methods: PlanMethod[];
  /** What `results.md` shows. Default []. */
  tables: PlanTable[];
  /** Figures of the report. Default []. */
  curves: PlanCurve[];
}

/** The default of every field that has one. */
export const PLAN_DEFAULTS: Required<Pick<Plan, 'settings' | 'teachers' | 'tables' | 'curves'>> = {
  settings: {},
  teachers: {},
  tables: [],
  curves: [],
};
