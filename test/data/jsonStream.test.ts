import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseJson } from '../../src/data/json.js';
import { JsonReader } from '../../src/data/jsonStream.js';
import { InputError } from '../../src/util/error.js';

/** Puts the parts of a text together again. */
function read(text: string | Uint8Array, pieces = [Number.POSITIVE_INFINITY]): unknown {
  let whole: unknown = {};
  const define = (key: string, value: unknown) =>
    Object.defineProperty(whole, key, { value, enumerable: true, configurable: true, writable: true });
  let array: unknown[] = [];
  const reader = new JsonReader('a.json', {
    array: (key) => {
      array = [];
      if (key === null) whole = array;
      else define(key, array);
    },
    entry: (_, value) => void array.push(value),
    other: (key, value) => {
      if (key === null) whole = value;
      else define(key, value);
    },
  });
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const length = pieces[i % pieces.length];
    reader.write(bytes.subarray(at, at + length));
    at += length;
  }
  reader.end();
  return whole;
}

const outcome = (work: () => unknown) => {
  try {
    return { value: JSON.stringify(work()) };
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return { message: (error as Error).message };
  }
};

const pieces = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 4 });

test('it gives what JSON.parse gives, wherever the pieces are cut', () => {
  const spaced = fc.tuple(fc.jsonValue({ noUnicodeString: false }), fc.constantFrom('', ' ', '\t', ' \n'));
  fc.assert(
    fc.property(spaced, pieces, ([value, indent], lengths) => {
      const text = indent + JSON.stringify(value, null, indent) + indent;
      expect(JSON.stringify(read(text, lengths))).toBe(JSON.stringify(JSON.parse(text)));
    }),
  );
});

test('it breaks where JSON.parse breaks, with the same line and column', () => {
  const coco =
    '{"info": {"a\\"b": [1, {}]},\n "images": [{"id": 1,\n "n": "x\\\\"}, 2.5e-3], "annotations": [], "x": null}';
  const texts = fc.oneof(fc.constant(coco), fc.json({ maxDepth: 3 }));
  const put = fc.constantFrom('', '}', ']', '{', '[', ',', ':', '"', 'x', '1', '\n', ' ', '\\', '01', 'nul', '\u0001');
  fc.assert(
    fc.property(texts, fc.nat(), put, fc.nat(2), pieces, (text, at, piece, removed, lengths) => {
      const position = at % (text.length + 1);
      const changed = text.slice(0, position) + piece + text.slice(position + removed);
      fc.pre(/^[\0-\x7f]*$/.test(changed)); // a column counts bytes
      // How much a message shows of what was found depends on the pieces.
      const place = ({ message, ...rest }: { message?: string }) => ({ ...rest, place: message?.split(': ', 2)[1] });
      expect(place(outcome(() => read(changed, lengths)))).toEqual(place(outcome(() => parseJson(changed, 'a.json'))));
    }),
    { numRuns: 500 },
  );
});

test.each([
  ['', /line 1, column 1: the file ends/],
  ['  \n ', /line 2, column 2: the file ends/],
  ['[]]', /line 1, column 3: found "\]"/],
  ['{"images": [\n  {"id": 1,}', /line 2, column 12: found "}"/],
  ['{"images": [', /line 1, column 13: the file ends/],
  ['{"images": [{"id": "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9', /line 1, column 20: found/],
  [`[${'['.repeat(100_000)}`, /line 1, column 100002: the file ends/],
  [`["${'x'.repeat(1e6)}",}`, /column 1000005: found "}"/],
])('%.40s … is no JSON', (text, message) => {
  expect(outcome(() => read(text)).message).toMatch(message);
  expect(outcome(() => read(text, [1000])).message).toMatch(message);
});

test('nested values and long strings are read', () => {
  const nested = `{"a": ${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
  expect(Object.keys(read(nested) as object)).toEqual(['a']);
  expect(read(JSON.stringify(['x'.repeat(1e6)]), [4096])).toEqual(['x'.repeat(1e6)]);
});

test('a byte order mark is passed over; other encodings than UTF-8 are named', () => {
  expect(read(Uint8Array.of(0xef, 0xbb, 0xbf, 0x5b, 0x31, 0x5d), [1])).toEqual([1]);
  const utf16 = Uint8Array.of(0xff, 0xfe, 0x5b, 0, 0x5d, 0);
  expect(outcome(() => read(utf16)).message).toBe('a.json is UTF-16 text; save it as UTF-8');
  const latin1 = Uint8Array.from('["Z\xe4hne"]', (character) => character.charCodeAt(0));
  expect(outcome(() => read(latin1)).message).toMatch(/a\.json is not UTF-8 text: in the entry at line 1, column 2/);
});

test('an entry without end is told before it fills the memory', () => {
  const reader = new JsonReader('a.json', { array: () => {}, entry: () => {}, other: () => {} }, 1 << 20);
  const spaces = new Uint8Array(1 << 16).fill(0x20);
  reader.write(new TextEncoder().encode('[{"a": 1,'));
  expect(() => {
    for (let i = 0; i < 17; i++) reader.write(spaces);
  }).toThrow(/the entry at line 1, column 2 has more than 1 MB; is a quote or a bracket missing\?/);
});
