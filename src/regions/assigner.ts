import type { Assignment } from './assignment.js';
import type { Grid } from './grid.js';
import type { HeadMaps, StudentOptions } from './student.js';
import type { Truth } from './truth.js';

/** An assigner of recipes: an entry of `ASSIGNERS`. */
export interface Assigner {
  /** Its name in prose and whose it is. */
  readonly what: string;
  /** What makes locations positive, for captions: "the locations that … make positive". */
  readonly chosenBy: string;
  /** The section of the recipe that has its settings, if any. */
  readonly section?: string;
  /** Whether it leaves positives without target scores: where a recipe needs some, they are the IoU of the student's boxes. */
  readonly unscored?: true;
  /** @param options what it needs of the head, with the fields of its section */
  assign(grid: Grid, truth: Truth, student: HeadMaps, options: StudentOptions): Assignment;
}
