import { InputError } from '../util/error.js';

/**
 * Reads a JSON file.
 * @throws {InputError} the file cannot be read, or is not JSON: then with the line and column where it breaks
 */
export async function readJson(file: string): Promise<unknown> {
  const { readFile } = await import('node:fs/promises'); // only here: browsers load what imports this module
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new InputError(
      missing ? `${file} does not exist; check the path` : `${file} cannot be read: ${String(error)}`,
    );
  }
  text = text.replace(/^\uFEFF/, '');
  try {
    return JSON.parse(text);
  } catch {
    const offset = jsonErrorOffset(text);
    const before = text.slice(0, offset).split('\n');
    const found = offset < text.length ? `found ${JSON.stringify(text.slice(offset, offset + 20))}` : 'the file ends';
    throw new InputError(
      `${file} is not JSON: line ${before.length}, column ${before[before.length - 1].length + 1}: ${found}; ` +
        'correct it or write the file again',
    );
  }
}

const SPACE = /[ \t\n\r]*/y;
const TOKEN =
  /[{}[\],:]|"(?:[^"\\\p{Cc}]|[\x7f-\x9f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/uy;

/**
 * Where a text stops being JSON: the offset of the first token that cannot follow what stands before it
 * (the text's length where the text just ends). JSON.parse itself names the position in some of its messages only.
 */
export function jsonErrorOffset(text: string): number {
  const open: string[] = [];
  let expected: 'value' | 'value or ]' | 'key' | 'key or }' | 'colon' | 'comma' = 'value';
  for (let offset = 0; ; ) {
    SPACE.lastIndex = offset;
    SPACE.exec(text);
    offset = SPACE.lastIndex;
    TOKEN.lastIndex = offset;
    const token = TOKEN.exec(text)?.[0];
    if (token === undefined) return offset;

    const inside = open[open.length - 1];
    if (expected === 'colon') {
      if (token !== ':') return offset;
      expected = 'value';
    } else if (expected === 'comma' && token === ',' && inside) {
      expected = inside === '{' ? 'key' : 'value';
    } else if (
      (token === '}' && inside === '{' && (expected === 'comma' || expected === 'key or }')) ||
      (token === ']' && inside === '[' && (expected === 'comma' || expected === 'value or ]'))
    ) {
      open.pop();
      expected = 'comma';
    } else if (expected === 'key' || expected === 'key or }') {
      if (!token.startsWith('"')) return offset;
      expected = 'colon';
    } else if (expected === 'comma' || '}],:'.includes(token)) {
      return offset;
    } else if (token === '{' || token === '[') {
      open.push(token);
      expected = token === '{' ? 'key or }' : 'value or ]';
    } else {
      expected = 'comma';
    }
    offset = TOKEN.lastIndex;
  }
}
