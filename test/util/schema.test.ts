import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compileJsonSchema } from '../../scripts/jsonSchema.js';
import { checked, faultsIn, type Schema } from '../../src/util/schema.js';

const SCHEMA = {
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 1 },
    'odd/~key': { type: 'number' },
    parts: { type: 'array', items: { $ref: '#/definitions/part' } },
  },
  required: ['name'],
  additionalProperties: false,
  definitions: {
    part: {
      type: 'object',
      properties: { size: { type: ['string', 'null'], enum: ['s', 'm', null] } },
      additionalProperties: false,
    },
  },
};
const folder = mkdtempSync(join(tmpdir(), 'edgewise-schema-'));
afterAll(() => rmSync(folder, { recursive: true }));
let schema: Schema;
beforeAll(async () => {
  const file = join(folder, 'thing.jsonschema');
  writeFileSync(file, JSON.stringify(SCHEMA));
  schema = (await import(`data:text/javascript,${encodeURIComponent(await compileJsonSchema(file))}`)).default;
});

const DEEP = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);

test.each([
  [{ name: 'a', parts: [{}, { size: 's' }] }, null],
  [{}, 'name is missing'],
  [{ name: '' }, 'name is ""; it must NOT have fewer than 1 characters'],
  [{ name: 'a', nam: 1 }, 'unknown field nam (a thing has name, odd/~key, parts)'],
  [{ name: 'a', parts: [{ sized: 1 }] }, 'unknown field parts.0.sized (parts.0 has size)'],
  [{ name: 'a', parts: [{ size: 'l' }] }, 'parts.0.size is "l"; it must be equal to one of the allowed values s, m, '],
  [{ name: 'a', 'odd/~key': true }, 'odd/~key is true; it must be number'],
  [null, 'a thing is null; it must be object'],
  [DEEP, 'a thing is [[[…]]]; it must be object'],
  [{ name: DEEP }, 'name is [[[…]]]; it must be string'],
  [{ name: 'a', parts: DEEP }, 'parts.0 is [[[…]]]; it must be object'],
  [{ name: 'a', ['x'.repeat(1000)]: 1 }, `unknown field ${'x'.repeat(59)}… (a thing has name, odd/~key, parts)`],
])('every fault is named: case %#', (value, faults) => {
  expect(faultsIn(value, schema, 'a thing')).toBe(faults);
});

test('of many faults the first are named, and how many more there are', () => {
  const faults = faultsIn({ name: 'a', parts: Array(1000).fill(1) }, schema, 'a thing');
  expect(faults).toMatch(
    /^parts\.0 is 1; it must be object; .*; parts\.4 is 1; it must be object; and 995 more faults$/,
  );
});

test('what a file holds is checked', () => {
  const about = { file: 'a.json', whole: 'a thing', remedy: 'make it again' };
  expect(checked({ name: 'a' }, schema, about)).toEqual({ name: 'a' });
  expect(() => checked([], schema, about)).toThrow('a.json: a thing is []; it must be object; make it again.');
});
