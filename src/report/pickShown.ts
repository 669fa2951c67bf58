import { distilsBoxes, needsTeacher } from '../losses/recipe.js';
import { netNameOf } from '../train/checkpoint.js';
import { differenceOf } from '../train/comparable.js';
import { InputError } from '../util/error.js';
import type { OpenRun } from './runs.js';

/**
 * Whom the pictures show: the teacher of most students, the best of its students that learnt alone and the best that learnt
 * with LD. Both have the size of the first student, since LD should not be compared with more parameters. If no student learnt alone, the
 * best without LD is taken. Without a teacher the first runs are taken, at most three.
 * @throws InputError without runs
 */
export function pickShown(runs: readonly OpenRun[]): OpenRun[] {
  if (runs.length === 0) throw new InputError('runs: none is given; give the folder of one at least.');
  const teachers = runs.filter(({ role }) => role === 'teacher');
  if (teachers.length === 0) return runs.filter((run) => areComparable(run, runs[0])).slice(0, 3);
  const taughtBy = (teacher: OpenRun) =>
    runs.filter((run) => run.role === 'student' && isTaughtBy(run, teacher, teachers));
  const [teacher] = [...teachers].sort((a, b) => taughtBy(b).length - taughtBy(a).length);
  const students = taughtBy(teacher).filter((run) => areComparable(run, teacher));
  const same = students.filter((run) => sizeOf(run) === sizeOf(students[0]));
  const alone = same.filter((run) => !needsTeacher(run.checkpoint.metadata.recipe));
  const withLd = same.filter((run) => distilsLocalization(run));
  const without = same.filter((run) => !distilsLocalization(run));
  return [teacher, ...best(alone.length > 0 ? alone : without), ...best(withLd)];
}

/** Whether its recipe distils localization. */
export function distilsLocalization({ checkpoint }: OpenRun): boolean {
  return distilsBoxes(checkpoint.metadata.recipe);
}

/** Whether two runs can be compared location by location and bin by bin. */
export function areComparable(one: OpenRun, other: OpenRun): boolean {
  const formOf = ({ name, checkpoint: { metadata } }: OpenRun) => {
    const { detector: config, recipe, classes } = metadata;
    return { owner: name, config, recipe, classes };
  };
  return differenceOf(formOf(one), formOf(other)) === null;
}

/** A student that names no teacher, as one trained alone, belongs to the first. */
function isTaughtBy({ teacherFolder }: OpenRun, teacher: OpenRun, teachers: readonly OpenRun[]): boolean {
  const named = teachers.find(({ folder }) => folder === teacherFolder);
  return (named ?? teachers[0]) === teacher;
}

function sizeOf({ checkpoint }: OpenRun): string {
  return netNameOf(checkpoint);
}

/** The run with the highest AP at the end, the earlier one of equals; undefined without runs. */
function best(runs: readonly OpenRun[]): OpenRun[] {
  return [...runs].sort((a, b) => lastAp(b) - lastAp(a)).slice(0, 1);
}

function lastAp({ log }: OpenRun): number {
  return log.flatMap(({ evaluation }) => (evaluation ? [evaluation.AP] : [])).at(-1) ?? -1;
}
