import { basename, dirname } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { expect, test, vi } from 'vitest';
import type { Data } from '../../src/cli/data.js';
import { COMMANDS, runCommand } from '../../src/cli/program.js';
import { runFolder } from '../../src/cli/training.js';
import type { TrainingOptions } from '../../src/cli/trainingOptions.js';
import { resolveRecipe } from '../../src/losses/recipe.js';
import { MAX_SETTINGS, trainSettings } from '../../src/train/settings.js';

test('every number on the command line has bounds', async () => {
  let numbers = 0;
  for (const [name, load] of Object.entries(COMMANDS)) {
    const program = new Command();
    (await load())(program);
    for (const { flags, parseArg, argChoices } of program.commands[0].options) {
      // A pattern is no number.
      if (!parseArg || argChoices || flags.endsWith(' <pattern>')) continue;
      numbers++;
      for (const text of ['1e16', '1e300', '99999999999999999999', '-1', 'Infinity', 'NaN', '', ' ', '0x', '8,1e16']) {
        expect(() => parseArg(text, undefined), `${name} ${flags} ${text}`).toThrow(InvalidArgumentError);
      }
    }
  }
  expect(numbers).toBeGreaterThan(40);
});

test('the largest settings are those of the schema', () => {
  for (const [name, most] of Object.entries(MAX_SETTINGS)) {
    expect(trainSettings({ [name]: most })).toMatchObject({ [name]: most });
    expect(() => trainSettings({ [name]: most + 1 })).toThrow(`${name} is ${most + 1}`);
  }
});

test('a run without --out lies in runs, whatever data and recipe are called', () => {
  for (const name of ['../../x', '/tmp/x', 'a\\..\\b', 'x\0y', 'CON', '.', 'n'.repeat(100_000), '名'.repeat(1000)]) {
    const recipe = resolveRecipe({ name });
    const folder = runFolder({ size: 'tiny' } as TrainingOptions, { name } as Data, recipe);
    expect(dirname(folder)).toBe('runs');
    expect(basename(folder)).toMatch(/^[^.\p{C}\\][^\p{C}\\]*-tiny-[^.\p{C}\\][^\p{C}\\]*$/u);
    expect(Buffer.byteLength(basename(folder))).toBeLessThan(200);
  }
});

test.each<[string, () => unknown, RegExp]>([
  [
    'an array too long for the memory',
    () => new Float32Array(2 ** 40),
    /^edgewise: Invalid typed array length: 1099511627776: there is too little memory; [^\n]*\n$/,
  ],
  [
    'a text too long for the memory',
    () => 'x'.repeat(2 ** 30),
    /^edgewise: Invalid string length: there is too little memory; [^\n]*\n$/,
  ],
  ['a negative length', () => new Float32Array(-1), /^RangeError: Invalid typed array length: -1\n\s+at /],
])('%s: one line for what a user can cause, a stack for what is a fault of ours', async (_, make, message) => {
  const add = (program: Command) => void program.command('doctor').action(() => void make());
  vi.spyOn(COMMANDS, 'doctor').mockResolvedValue(add);
  const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const { exitCode } = process;
  try {
    await runCommand(['doctor']);
    expect(process.exitCode).toBe(1);
    expect(said.mock.calls.map(([text]) => text).join('')).toMatch(message);
  } finally {
    process.exitCode = exitCode;
    vi.restoreAllMocks();
  }
});
