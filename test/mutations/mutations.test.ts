import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

interface Mutation {
  name: string;
  file: string;
  find: string;
  replace: string;
  tests: string[];
}

const FOLDER = 'test/mutations';
const lists = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));

describe.each(lists)('%s can be applied', (list) => {
  const mutations = JSON.parse(readFileSync(join(FOLDER, list), 'utf8')) as Mutation[];

  test.each(mutations)('$file: $name', ({ file, find, replace, tests }) => {
    expect(readFileSync(file, 'utf8').split(find), `${file} holds its text once`).toHaveLength(2);
    expect(replace).not.toBe(find);
    expect(tests.filter((path) => !existsSync(path))).toEqual([]);
    expect(tests.length).toBeGreaterThan(0);
  });
});
