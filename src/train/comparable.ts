import { assertSameClasses } from '../data/classes.js';
import { assertTeacherFits } from '../losses/headInput.js';
import type { Recipe } from '../losses/recipe.js';
import { makeGrid } from '../regions/grid.js';
import { matchTeacher, type TeacherHead, type TeacherHeadOptions } from '../regions/teacherHead.js';
import { InputError } from '../util/error.js';
import type { Teacher, TeacherConfig } from './teacher.js';
import { assertTowers } from './towers.js';

/** What decides whether a teacher can teach a student. */
export interface NetForm {
  /** For messages: `the student`, `the teacher runs/t`. */
  owner: string;
  config: Pick<TeacherConfig, 'bins' | 'strides' | 'width' | 'height' | 'size'> & { classes?: number };
  /** In the order of the class logits. */
  classes?: readonly { name: string }[];
  /** What the bins mean; of a student, what it learns. */
  recipe?: Pick<Recipe, 'box' | 'regions'> & Partial<Pick<Recipe, 'name' | 'imitation' | 'ld' | 'iouLd' | 'cross'>>;
  /** Of a teacher; 0: it has none to imitate. */
  featureChannels?: number;
}

/** A field in which two nets differ. */
export interface Difference {
  field: 'bins' | 'strides' | 'width' | 'height' | 'box.parameters' | 'regions.centreOffset';
  /** As text: the student's, and the teacher's. */
  own: string;
  teachersValue: string;
}

/** The first field but the classes in which two nets differ; null: none. */
export function differenceOf(student: NetForm, teacher: NetForm): Difference | null {
  return differencesOf(student, teacher)[0] ?? null;
}

function differencesOf(student: NetForm, teacher: NetForm): Difference[] {
  const teachers = fieldsOf(teacher);
  return Array.from(fieldsOf(student)).flatMap(([field, own]) => {
    const teachersValue = teachers.get(field);
    return teachersValue === undefined || teachersValue === own ? [] : [{ field, own, teachersValue }];
  });
}

/**
 * Asserts that two nets say the same of the same places: location by location, bin by bin and class by class.
 * @param remedyOf what to do about a difference, in the caller's words
 * @throws InputError that names what differs and the remedy
 */
export function assertSameHead(
  one: NetForm,
  other: NetForm,
  remedyOf: (difference: Difference) => string = defaultRemedy,
): void {
  const difference = differenceOf(one, other);
  if (difference) refuse(one, other, difference, remedyOf);
  assertClassesMatch(one, other);
}

/**
 * Asserts that a teacher can teach a student: images and classes have to be the same; other bins, strides, levels and centre offsets are
 * brought into the student's.
 * @param remedyOf what to do about a difference, in the caller's words
 * @returns one line that says what is brought into what; null where the heads are the same
 * @throws InputError that names what differs and the remedy
 */
export function assertComparable(
  student: NetForm,
  teacher: NetForm,
  remedyOf: (difference: Difference) => string = defaultRemedy,
): string | null {
  const differences = differencesOf(student, teacher);
  const isOffset = [student, teacher].some(({ recipe }) => recipe?.box.parameters === 'offset');
  const fixed = differences.find(({ field }) => !MATCHED.includes(field)) ?? (isOffset ? differences[0] : undefined);
  if (fixed) refuse(student, teacher, fixed, remedyOf);
  assertClassesMatch(student, teacher);
  const { name, imitation } = student.recipe ?? {};
  if (imitation && imitation.weight > 0 && teacher.featureChannels === 0) {
    throw new InputError(
      `recipe ${name} imitates features, but ${teacher.owner} gives logits alone; use a recipe without imitation, such as main-kd+main-ld+vlr-ld.`,
    );
  }
  if (student.recipe?.cross) assertTowers({ name, cross: student.recipe.cross }, teacher.config.size);
  if (differences.length === 0) return null;
  const { bins, strides, width, height } = student.config;
  const centreOffset = student.recipe?.regions.centreOffset ?? 0;
  const grid = makeGrid({ imageSize: { width, height }, strides, centreOffset });
  const head = matchTeacher({ grid, bins }, teacherHeadOf(teacher));
  const { recipe } = student;
  if (recipe?.imitation && recipe.ld && recipe.iouLd && recipe.cross) {
    const { name = '', box, imitation, ld, iouLd, cross } = recipe;
    assertTeacherFits({ recipe: { name, box, imitation, ld, iouLd, cross }, bins, teacher: head });
  }
  return describeMatch(student, teacher, head);
}

/** The head of a teacher, for `HeadLoss` and its like. */
export function teacherHeadOf({ config, recipe }: Pick<NetForm, 'config' | 'recipe'>): TeacherHeadOptions {
  const { bins, strides, width, height } = config;
  const centreOffset = recipe?.regions.centreOffset;
  return { bins, strides, imageSize: { width, height }, ...(centreOffset !== undefined && { centreOffset }) };
}

/** Fields that are brought into the student's head. */
const MATCHED: readonly Difference['field'][] = ['bins', 'strides', 'regions.centreOffset'];

function describeMatch(student: NetForm, teacher: NetForm, head: TeacherHead): string {
  const { bins, strides } = student.config;
  const offset = student.recipe?.regions.centreOffset ?? 0;
  const brought = [
    ...(head.bins === bins ? [] : [`${head.bins} → ${bins} bins`]),
    ...(head.grid.centreOffset === offset ? [] : [`centre offset ${head.grid.centreOffset} → ${offset}`]),
    ...head.levels.flatMap((taughtBy, level) => {
      const other = taughtBy && head.grid.strides[taughtBy.level];
      return other === null || other === strides[level] ? [] : [`stride ${other} → ${strides[level]}`];
    }),
  ];
  const untaught = strides.filter((_, level) => head.levels[level] === null);
  const parts = [
    ...(brought.length > 0 ? [`${brought.join(', ')}, re-binned`] : []),
    ...(untaught.length === 1 ? [`level ${untaught[0]} is not taught`] : []),
    ...(untaught.length > 1 ? [`levels ${untaught.join(', ')} are not taught`] : []),
    ...(brought.length + untaught.length === 0
      ? [`levels ${strides.join(', ')} of its ${head.grid.strides.join(', ')}`]
      : []),
  ];
  return `${teacher.owner}: ${parts.join('; ')}.`;
}

function refuse(
  one: NetForm,
  other: NetForm,
  difference: Difference,
  remedyOf: (difference: Difference) => string,
): never {
  const { field, own, teachersValue } = difference;
  throw new InputError(
    `${field}: ${own} for ${one.owner}, ${teachersValue} for ${other.owner}; both need the same. ${remedyOf(difference)}`,
  );
}

function assertClassesMatch(student: NetForm, teacher: NetForm): void {
  const [classes, others] = [classesOf(teacher), classesOf(student)];
  if (!classes || !others) return;
  assertSameClasses(
    classes,
    others,
    'Give data with the classes that the teacher was trained on, or train a teacher on these.',
  );
}

/** What is known of a teacher. */
export function formOf(owner: string, { config, recipe, classes, featureChannels }: Teacher): NetForm {
  return { owner, config, featureChannels, ...(recipe && { recipe }), ...(classes && { classes }) };
}

function fieldsOf({ config, recipe }: NetForm): Map<Difference['field'], string> {
  const { bins, strides, width, height } = config;
  const fields = new Map<Difference['field'], string>([
    ['bins', String(bins)],
    ['strides', String(strides)],
    ['width', String(width)],
    ['height', String(height)],
  ]);
  if (!recipe) return fields;
  return fields
    .set('box.parameters', recipe.box.parameters)
    .set('regions.centreOffset', String(recipe.regions.centreOffset));
}

function classesOf({ owner, config, classes }: NetForm) {
  const list = classes ?? config.classes;
  return list === undefined ? null : { owner, classes: list };
}

/** What helps wherever a recipe or a configuration is given. */
export function defaultRemedy({ field, own, teachersValue }: Difference): string {
  if (field === 'box.parameters') return `Give a recipe with box.parameters ${teachersValue}.`;
  if (field === 'regions.centreOffset') {
    return `Give a recipe with "regions": {"centreOffset": ${teachersValue}}, or a teacher trained by the student's head.`;
  }
  return `Give the student the teacher's, or train a teacher with ${field} ${own}.`;
}
