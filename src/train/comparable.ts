import { assertSameClasses } from '../data/classes.js';
import type { Recipe } from '../losses/recipe.js';
import { InputError } from '../util/error.js';
import type { Teacher, TeacherConfig } from './teacher.js';

/** Everything of a net in which student and teacher have to agree, as far as it is known. */
export interface NetForm {
  /** For messages: `the student`, `the teacher runs/t`. */
  owner: string;
  config: Pick<TeacherConfig, 'bins' | 'strides' | 'width' | 'height'> & { classes?: number };
  /** In the order of the class logits. */
  classes?: readonly { name: string }[];
  /** What the bins mean; of a student, whether it imitates features. */
  recipe?: Pick<Recipe, 'box' | 'regions'> & Partial<Pick<Recipe, 'name' | 'imitation'>>;
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

/** The first field in which two nets differ, but for their classes; null: none. */
export function differenceOf(student: NetForm, teacher: NetForm): Difference | null {
  const [own, teachersValue] = [fieldsOf(student), fieldsOf(teacher)];
  for (const [field, value] of own) {
    const other = teachersValue.get(field);
    if (other !== undefined && other !== value) return { field, own: value, teachersValue: other };
  }
  return null;
}

/**
 * Distillation compares location with location, bin with bin and class with class: each has to mean the same in both nets.
 * @param remedyOf what to do about a difference, in the words of the caller
 * @throws InputError that names what differs and the remedy
 */
export function assertComparable(
  student: NetForm,
  teacher: NetForm,
  remedyOf: (difference: Difference) => string = defaultRemedy,
): void {
  const difference = differenceOf(student, teacher);
  if (difference) {
    const { field, own, teachersValue } = difference;
    throw new InputError(
      `${field}: ${own} for ${student.owner}, ${teachersValue} for ${teacher.owner}; both need the same. ${remedyOf(difference)}`,
    );
  }
  const [classes, others] = [classesOf(teacher), classesOf(student)];
  if (classes && others) {
    assertSameClasses(
      classes,
      others,
      'Give data with the classes that the teacher was trained on, or train a teacher on these.',
    );
  }
  const { name, imitation } = student.recipe ?? {};
  if (imitation && imitation.weight > 0 && teacher.featureChannels === 0) {
    throw new InputError(
      `recipe ${name} imitates features, but ${teacher.owner} gives logits alone; use a recipe without imitation, such as main-kd+main-ld+vlr-ld.`,
    );
  }
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
