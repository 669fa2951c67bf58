import { readFileSync } from 'node:fs';
import { type Static, Type } from 'typebox';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { generate, tableOf, typesOf } from '../../scripts/schemas.js';
import type { Recipe } from '../../src/losses/recipe.js';
import type recipe from '../../src/losses/recipe.schema.js';

test('what is made of the schemas is up to date: npm run schemas', async () => {
  const files = Object.entries(await generate());
  expect(files.length).toBeGreaterThan(1);
  for (const [file, text] of files) expect(readFileSync(file, 'utf8'), file).toBe(text);
});

test('the types are those that TypeBox sees in the schemas', () => {
  expectTypeOf<Static<typeof recipe>>().toEqualTypeOf<Recipe>(); // `npm run check:types` says otherwise
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
      names: Type.Record(Type.String(), Type.Unsafe<Date>({ tsType: 'Date' })),
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
  names: Record<string, Date>;
}
`);
  });

  test('becomes a table', () => {
    expect(tableOf(some)).toBe(`| field | default | may be | |
|---|---|---|---|
| \`count\` | 2 | whole, 1 to 4 | How many. |
| \`part.share\` |  | above 0 | Of \\|all\\|. |
| \`part.word\` |  | a, b | Which. |
| \`part.isLong\` |  | true, false | It is ${'very '.repeat(25)}long. |
| \`list[].pair\` |  | list of: 1, 2 |  |
| \`either\` |  | text, null |  |
| \`names\` |  | object |  |`);
  });

  test('of defaults has these, too', () => {
    const schema = Type.Object(
      { a: Type.String({ default: 'b' }), c: Type.Object({ d: Type.Number({ default: 1 }) }) },
      { title: 'Some' },
    );
    expect(typesOf(plain(schema), 'some')).toContain(
      `export const SOME_DEFAULTS: Some = {\n  a: 'b',\n  c: {\n    d: 1,\n  },\n};\n`,
    );
  });
});
