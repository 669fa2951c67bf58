import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { InputError } from '../../src/util/error.js';
import { KINDS } from './kinds.js';
import { tryCase } from './tryCase.js';

/** A few of the cases of `npm run fuzz`. */
const CASES = 5;

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'edgewise-fuzz-'));
});
afterAll(() => rm(root, { recursive: true }));

test.each(KINDS.map((kind) => [kind.name, kind] as const))(
  'a damaged %s gives one line, or is as good as whole',
  async (_, kind) => {
    for (let number = 0; number < CASES; number++) {
      const { kind: outcome, detail } = await tryCase(kind, 2026, number, root);
      expect({ number, outcome, detail }).toEqual({
        number,
        outcome: expect.stringMatching(/^(accepted|refused)$/),
        detail,
      });
    }
  },
);

test('a file that reading leaves behind is seen', async () => {
  const leaving = async (folder: string) => {
    await writeFile(join(folder, '.part'), '');
    throw new InputError('no; give another');
  };
  const { kind, detail } = await tryCase({ name: 'any', write: async () => undefined, read: leaving }, 0, 0, root);
  expect({ kind, detail }).toEqual({ kind: 'file left behind', detail: '.part' });
});

test('what is not damaged is accepted, and a fault is seen', async () => {
  const whole = (shown: () => string) => ({ name: 'any', write: async () => undefined, read: async () => shown() });
  const outcomes = [() => '0.5', () => 'AP NaN', () => `${undefined}`, () => (null as unknown as string).slice(1)].map(
    async (shown) => (await tryCase(whole(shown), 0, 0, await mkdtemp(join(root, 'own-')))).kind,
  );
  expect(await Promise.all(outcomes)).toEqual(['accepted', 'undefined figure', 'undefined figure', 'stack']);
});
