import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { compileJsonSchema } from '../../scripts/jsonSchema.js';

const folder = mkdtempSync(join(tmpdir(), 'edgewise-schema-'));
afterAll(() => rmSync(folder, { recursive: true }));

function compiled(schema: object): Promise<string> {
  const file = join(folder, 'some.jsonschema');
  writeFileSync(file, JSON.stringify(schema));
  return compileJsonSchema(file);
}

it('makes a module that stands alone and names every error', async () => {
  const code = await compiled({ properties: { a: { type: 'number' }, b: { minLength: 2 } }, required: ['a', 'c'] });
  const { default: validate } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  expect(validate({ a: 1, b: 'xy', c: null })).toBe(true);
  expect(validate({ a: '1', b: 'x' })).toBe(false);
  expect(validate.errors.map(({ message }: { message: string }) => message).sort()).toEqual([
    'must NOT have fewer than 2 characters',
    'must be number',
    "must have required property 'c'",
  ]);
});

it('refuses what it would have to load at run time', async () => {
  await expect(compiled({ type: 'array', uniqueItems: true })).rejects.toThrow(
    /some\.jsonschema needs ajv\/.*equal at run time/,
  );
});
