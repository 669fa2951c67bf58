import { expect, test } from 'vitest';
import { kindOf, numbers } from '../../src/util/argument.js';

class _Device {
  readonly gpu = 1;
}

test.each([
  [Promise.resolve(1), 'a promise (await it)'],
  [new Float32Array(3), 'a Float32Array of 3'],
  [new _Device(), 'a Device'],
  [new Error('x'), 'an Error'],
  [[1, 2], '[1,2]'],
])('what a value is', (value, said) => {
  expect(kindOf(value)).toBe(said);
});

test('lists within a list are to be made flat, other entries are told one by one', () => {
  const flat = /^boxes: lists within a list, .*; give its numbers one after another: boxes\.flat\(\)\.$/;
  for (const list of [[[1, 2, 3, 4]], [new Float32Array(4)]]) expect(() => numbers('boxes', list)).toThrow(flat);
  expect(() => numbers('boxes', [1, { x: 1 }])).toThrow('boxes: entry 1 is {"x":1}; expected a number.');
  expect(() => numbers('labels', ['cat'])).toThrow('labels: entry 0 is "cat"; expected a number.');
});
