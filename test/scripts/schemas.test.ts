import { readFileSync } from 'node:fs';
import { type Static, Type } from 'typebox';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { generate, tableOf, typesOf } from '../../scripts/schemas.js';
import type { DetectorSize } from '../../src/detector/config.js';
import type { Recipe } from '../../src/losses/recipe.js';
import type recipe from '../../src/losses/recipe.schema.js';
import type { OnnxMapping } from '../../src/onnx/mapping.js';
import type mapping from '../../src/onnx/mapping.schema.js';
import type { Plan } from '../../src/study/plan.js';
import type plan from '../../src/study/plan.schema.js';

test('what is made of the schemas is up to date: npm run schemas', async () => {
  const files = Object.entries(await generate());
  expect(files.length).toBeGreaterThan(1);
  for (const [file, text] of files) expect(readFileSync(file, 'utf8'), file).toBe(text);
});

test('the types are those that TypeBox sees in the schemas', () => {
  // `npm run check:types` says otherwise.
  expectTypeOf<Static<typeof recipe>>().toEqualTypeOf<Recipe>();
  expectTypeOf<Static<typeof mapping>>().toEqualTypeOf<OnnxMapping>();
  expectTypeOf<Plan>().toExtend<Static<typeof plan>>(); // a plan that was read has its defaults
  expectTypeOf<Plan['student']['size']>().toEqualTypeOf<DetectorSize>();
});

const plain = (schema: object) => JSON.parse(JSON.stringify(schema));
const some = plain(
  Type.Object(
    {
      count: Type.Integer({ minimum: 1, maximum: 4, default: 2, description: 'How many.' }),
      part: Type.Object(
        {
          share: Type.Optional(Type.Number({ exclusiveMinimum: 0, description: 'Of |all|.' })),
          word: Type.Enum(['a', 'b'], { description: 'Which.', title: 'Word' }),
          isLong: Type.Boolean({ description: `It is ${'very '.repeat(25)}long.` }),
        },
        { description: 'A part.' },
      ),
      list: Type.Array(Type.Object({ pair: Type.Array(Type.Enum([1, 2])) }, { title: 'Item', description: 'One.' })),
      either: Type.Union([Type.String(), Type.Null()]),
      many: Type.Unsafe<string[] | number>({ type: ['array', 'integer'], items: { type: 'string' }, minimum: 1 }),
      pair: Type.Tuple([Type.Number(), Type.Number()]),
      names: Type.Optional(Type.Unsafe({ type: 'object', additionalProperties: { type: 'object', tsType: 'Date' } })),
    },
    { title: 'Some', description: 'Something.', imports: { Date: './date.js' } },
  ),
);

describe('a schema', () => {
  test('becomes types', () => {
    expect(typesOf(some, 'some')).toBe(`// Made of some.schema.ts by \`npm run schemas\`; not to be edited.
import type { Date } from './date.js';

/** Which. */
export type Word = 'a' | 'b';

/** One. */
export interface Item {
  pair: (1 | 2)[];
}

/** Something. */
export interface Some {
  /** How many. Whole, 1 to 4; default 2. */
  count: number;
  /** A part. */
  part: {
    /** Of |all|. Above 0. */
    share?: number;
    /** Which. */
    word: Word;
    /**
     * It is very very very very very very very very very very very very very very very very very very very very very
     * very very very very long.
     */
    isLong: boolean;
  };
  list: Item[];
  either: string | null;
  many: string[] | number;
  pair: [number, number];
  names?: Record<string, Date>;
}

/** The default of every field that has one. */
export const SOME_DEFAULTS: Required<Pick<Some, 'count'>> = {
  count: 2,
};
`);
  });

  test('becomes a table', () => {
    expect(tableOf(some)).toBe(`| field | default | may be | |
|---|---|---|---|
| \`count\` | 2 | whole, 1 to 4 | How many. |
| \`part.share\` | none | above 0 | Of \\|all\\|. |
| \`part.word\` | required | a, b | Which. |
| \`part.isLong\` | required | true, false | It is ${'very '.repeat(25)}long. |
| \`list[].pair\` | required | list of: 1, 2 |  |
| \`either\` | required | text or null |  |
| \`many\` | required | list of: text or whole, 1 or more |  |
| \`pair\` | required | list of 2: number |  |
| \`names\` | none | by name: object |  |`);
  });

  test('becomes its defaults, too', () => {
    const section = Type.Object({ d: Type.Number({ default: 1 }), e: Type.Array(Type.String(), { default: [] }) });
    const all = Type.Object({ a: Type.String({ default: 'b' }), section }, { title: 'SomeThing' });
    const text = "{\n  a: 'b',\n  section: {\n    d: 1,\n    e: [],\n  },\n};\n";
    expect(typesOf(plain(all), 'some')).toContain(`export const SOME_THING_DEFAULTS: SomeThing = ${text}`);
    const a = Type.Optional(Type.String({ default: 'b' }));
    const part = Type.Object({ a, c: Type.Optional(Type.String()) }, { title: 'SomeThing' });
    const types = typesOf(plain(part), 'some');
    expect(types).toContain("SOME_THING_DEFAULTS: Required<Pick<SomeThing, 'a'>> = {\n  a: 'b',\n};\n");
    expect(types).toMatch(/\ba: string;\n {2}c\?: string;/);
  });

  test('of variants becomes a union', () => {
    const [one, other] = [Type.Object({ a: Type.String() }), Type.Object({ b: Type.Number() })];
    const schema = { title: 'Some', type: 'object', properties: {}, variants: [one, other] };
    expect(typesOf(plain(schema), 'some')).toContain('export type Some = {\n  a: string;\n} | {\n  b: number;\n};\n');
    expect(tableOf(plain(schema))).toMatch(/`a` \| required \| text .*\n.*`b` \| required \| number/);
  });
});
