import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { table } from '../../src/cli/table.js';
import { brief } from '../../src/util/brief.js';
import { InputError } from '../../src/util/error.js';
import { decimals, percent } from '../../src/util/figures.js';
import { readable, readableLines, shortened } from '../../src/util/readable.js';
import { print, printJson, tell } from '../../src/util/terminal.js';
import { anyName, HARMFUL } from './anyName.js';

describe('names that are not to be trusted', () => {
  test('are shown with pictures of what cannot be shown', () => {
    expect(readable('a\u001b[31mred\u0007')).toBe('a␛[31mred␇');
    expect(readable('line\r\nline\0')).toBe('line␍␊line␀');
    expect(readable('\u007f\u009b\u202egnp.\u2066\ud800')).toBe('␡��gnp.��');
    expect(readable('Zelle äöü 細胞 🦀 – “…” 100 %')).toBe('Zelle äöü 細胞 🦀 – “…” 100 %');
    expect(readableLines('a\nb\u001b')).toBe('a\nb␛');
  });

  test('do nothing to a terminal, whatever they are', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        expect(readable(name)).not.toMatch(HARMFUL);
        expect(readable(readable(name))).toBe(readable(name));
        const { message } = new InputError(`class ${name}: unknown`);
        expect(message).not.toMatch(HARMFUL);
        const lines = table([['class'], [name]]).split('\n');
        expect(lines).toHaveLength(2);
        expect(lines.join('')).not.toMatch(HARMFUL);
      }),
    );
  });

  test('reach stdout and stderr so', () => {
    const [out, err] = [vi.spyOn(console, 'log'), vi.spyOn(console, 'warn')];
    for (const spy of [out, err]) spy.mockImplementation(() => undefined);
    print('a\u001bb\nc');
    printJson({ name: 'a\u009b\u202e\u001b\n' });
    tell('a\nb');
    const [printed, json] = out.mock.calls.flat();
    expect([printed, err.mock.calls]).toEqual(['a␛b\nc', [['a␊b']]]);
    expect(json).toBe('{"name":"a\\u009b\\u202e\\u001b\\n"}');
    expect(JSON.parse(json)).toEqual({ name: 'a\u009b\u202e\u001b\n' });
    vi.restoreAllMocks();
  });

  test('are cut between characters', () => {
    expect(shortened('🦀🦀🦀', 3)).toBe('🦀🦀🦀');
    expect(shortened('🦀🦀🦀🦀', 3)).toBe('🦀🦀…');
    expect(shortened('abc', 3)).toBe('abc');
  });
});

test('a message of a foreign library becomes one line', () => {
  expect(new InputError(' broken:\n  at byte 3\r\n').message).toBe('broken: at byte 3');
});

test('a value is named by its JSON, cut short', () => {
  expect(brief({ a: 1, b: [true, null, 'x'] })).toBe('{"a":1,"b":[true,null,"x"]}');
  expect([undefined, Number.NaN, -Infinity, 3n].map(brief)).toEqual(['undefined', 'NaN', '-Infinity', '3']);
  expect(brief([1, 2, 3, 4, 5, 6, 7])).toBe('[1,2,3,4,5,6,…]');
  expect(brief('x'.repeat(1000))).toHaveLength(120);
  const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);
  expect(brief(deep)).toBe('[[[…]]]');
  expect(brief({ deep })).toBe('{"deep":[[…]]}');
});

test('figures that are not defined are a dash', () => {
  expect([0, 0.4567, 1].map(percent)).toEqual(['0.0', '45.7', '100.0']);
  expect([-1, Number.NaN, Infinity, null, undefined].map(percent)).toEqual(['–', '–', '–', '–', '–']);
  expect([1.23456, -0.5].map((value) => decimals(value, 2))).toEqual(['1.23', '-0.50']);
  expect([Number.NaN, -Infinity, null, undefined].map((value) => decimals(value, 2))).toEqual(['–', '–', '–', '–']);
});
