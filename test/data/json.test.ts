import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonErrorOffset } from '../../src/data/json.js';

test.each([
  ['', 0],
  ['{"a":1,}', 7],
  ['[1,]', 3],
  ['{"a" 1}', 5],
  ['[1 2]', 3],
  ['{"a":tru}', 5],
  ['[1,\n2,\n x]', 8],
  ['{"a": "b\nc"}', 6],
  ['[1, 2', 5],
  ['{} {}', 3],
  ['[01]', 2],
  ['{1: 2}', 1],
  ['{"a": 1]', 7],
  [']', 0],
])('%j breaks at %i', (text, offset) => {
  expect(() => JSON.parse(text)).toThrow();
  expect(jsonErrorOffset(text)).toBe(offset);
});

test('valid JSON is read to its end; a text that ends too soon breaks at its end', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(undefined, 2), (json, indent) => {
      const text = JSON.stringify(JSON.parse(json), null, indent);
      expect(jsonErrorOffset(text)).toBe(text.length);
      expect(jsonErrorOffset(`[${text}`)).toBe(text.length + 1);
    }),
  );
});

test('the offset lies in the text, and what stands before it could go on', () => {
  const cut = fc.tuple(fc.json({ maxDepth: 3 }), fc.nat(), fc.constantFrom('', '}', ']', ',', ':', '"', 'x', '1'));
  fc.assert(
    fc.property(cut, ([json, at, put]) => {
      const position = at % json.length;
      const text = json.slice(0, position) + put + json.slice(position + 1);
      try {
        JSON.parse(text);
      } catch (error) {
        // Where V8 names a position, ours is the start of that token: never after it.
        const named = /at position (\d+)/.exec(String(error))?.[1];
        expect(jsonErrorOffset(text)).toBeLessThanOrEqual(named === undefined ? text.length : Number(named));
      }
    }),
  );
});
