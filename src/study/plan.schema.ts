/**
 * The one text of a plan; see `npm run schemas`. Recipes and settings are checked field by field where they are resolved. Some
 * parts are refined beyond what a schema says (names that occur, no name twice): `checkPlan`.
 */
import { type Static, type TObject, type TProperties, type TSchema, Type } from 'typebox';
import type { PartialRecipe } from '../losses/recipes.js';
import type { TrainSettings } from '../train/settings.js';

const closed = <T extends TProperties>(fields: T, notes: { title?: string; description?: string } = {}) =>
  Type.Object(fields, { ...notes, additionalProperties: false });
const text = (description: string) => Type.String({ minLength: 1, description });
const count = (description: string) => Type.Integer({ minimum: 1, description });
const seed = { minimum: 0, maximum: 4_294_967_295 };
const size = (description: string) => Type.Enum(['tiny', 'small', 'base'], { description });
const settings = (description: string, standard?: object) =>
  Type.Unsafe<Partial<TrainSettings>>({
    type: 'object',
    tsType: 'Partial<TrainSettings>',
    description,
    ...(standard && { default: standard }),
  });
const recipe = (description: string, standard?: string) =>
  Type.Unsafe<string | PartialRecipe>({
    type: ['string', 'object'],
    tsType: 'string | PartialRecipe',
    description,
    ...(standard && { default: standard }),
  });

/** Fields of any name. TypeBox's `Record` asks for a pattern, which a name with a line's end does not match: it would not be checked. */
const byName = <T extends TSchema>(field: T, notes: object) =>
  Type.Unsafe<Record<string, Static<T>>>({ type: 'object', additionalProperties: field, ...notes });

/**
 * An object of one form or, where it has the field `key`, of another with nothing else. `anyOf` would tell the faults by both forms.
 */
function eitherOf<A extends TObject, B extends TObject>(form: A, key: string, other: B, notes: object) {
  return Type.Unsafe<Static<A> | Static<B>>({
    ...notes,
    type: 'object',
    additionalProperties: false,
    properties: { ...form.properties, ...other.properties },
    if: { required: [key] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON schema
    then: { maxProperties: 1 },
    else: { required: form.required },
    variants: [form, other],
  });
}

const teacher = eitherOf(
  closed(
    {
      size: size('Of the teacher, which the study trains once.'),
      settings: Type.Optional(settings("On top of the plan's.")),
      recipe: Type.Optional(recipe('How it is trained.', 'gfocal')),
      seed: Type.Optional(
        Type.Integer({
          ...seed,
          default: 100,
          description: "Apart from the students' seeds, or a teacher of their size would be one of them.",
        }),
      ),
    },
    { title: 'TrainedTeacher', description: 'A teacher that the study trains once.' },
  ),
  'run',
  closed({ run: text('In place of all these: the folder of a run that is there.') }),
  { title: 'PlanTeacher', description: 'A teacher that the study trains once, or a run that is there.' },
);

const method = closed(
  {
    name: text('In the tables.'),
    recipe: recipe("A shipped recipe's name, or the fields that differ from `gfocal`."),
    teacher: Type.Optional(
      text(
        "Name of one of `teachers`, in place of the plan's. Without distillation the student is only compared with it.",
      ),
    ),
    size: Type.Optional(size("In place of the plan's `student.size`.")),
    settings: Type.Optional(settings("On top of the plan's; without `seed`.")),
  },
  { title: 'PlanMethod', description: 'One row of a table: how a student is trained.' },
);

const table = closed(
  {
    title: text('Over the table.'),
    baseline: text('The method that the others are compared with, seed by seed.'),
    methods: Type.Array(Type.String({ minLength: 1 }), { uniqueItems: true, description: 'The other rows, in order.' }),
  },
  { title: 'PlanTable', description: 'Methods beside a baseline.' },
);

const curve = closed(
  {
    title: text('Over the figure.'),
    label: text('What the number is.'),
    x: byName(Type.Number(), { description: 'The number of each method.' }),
  },
  { title: 'PlanCurve', description: 'Figures of methods along a number that sets them apart, such as a temperature.' },
);

export default closed(
  {
    name: Type.String({
      pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$',
      description: 'Of the study: letters, digits, dots, lines; at most 80.',
    }),
    seeds: Type.Array(Type.Integer(seed), {
      minItems: 1,
      uniqueItems: true,
      description: 'Each method is trained once with each.',
    }),
    student: closed(
      {
        size: size('Of the students.'),
        bins: Type.Optional(count('Of the distribution of an edge; 17 if left out.')),
        strides: Type.Optional(Type.Array(Type.Integer({ minimum: 1 }), { description: '8, 16, 32 if left out.' })),
        width: Type.Optional(count("Of the input; the data's if left out.")),
        height: Type.Optional(count("Of the input; the data's if left out.")),
      },
      { description: 'The detector that every method trains.' },
    ),
    settings: Type.Optional(settings('Of every training; what is left out is the default of `train`.', {})),
    teachers: Type.Optional(
      byName(teacher, { default: {}, description: 'By name: detectors that students learn from.' }),
    ),
    teacher: Type.Optional(text("Name of the methods' teacher, unless they name another.")),
    methods: Type.Array(method, { minItems: 1, description: 'What is compared.' }),
    tables: Type.Optional(Type.Array(table, { default: [], description: 'What `results.md` shows.' })),
    curves: Type.Optional(Type.Array(curve, { default: [], description: 'Figures of the report.' })),
  },
  {
    title: 'Plan',
    description: 'A grid of methods and seeds, and the tables to make of it.',
    imports: { PartialRecipe: '../losses/recipe.js', TrainSettings: '../train/settings.js' },
  } as object,
);
