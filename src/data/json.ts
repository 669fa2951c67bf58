import { InputError } from '../util/error.js';

/** Characters that a message shows of what was found. */
export const SNIPPET = 20;

/**
 * Reads a JSON file.
 * @throws {InputError} the file cannot be read, or is not JSON: then with the line and column where it breaks
 */
export async function readJson(file: string): Promise<unknown> {
  const { readFile } = await import('node:fs/promises'); // only here: browsers load what imports this module
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw readError(file, error);
  });
  return parseJson(text.replace(/^\uFEFF/, ''), file);
}

/**
 * JSON.parse whose error tells the place.
 * @param file where the text is from, for errors
 * @throws {InputError} it is not JSON
 */
export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const offset = jsonErrorOffset(text);
    const before = text.slice(0, offset).split('\n');
    const place = { line: before.length, column: before[before.length - 1].length + 1 };
    throw jsonError(file, place, text.slice(offset, offset + SNIPPET));
  }
}

/**
 * The bytes of a file, piece by piece.
 * @throws {InputError} it cannot be read
 */
export async function* readPieces(file: string, size: number): AsyncGenerator<Uint8Array, void, void> {
  const { createReadStream } = await import('node:fs');
  try {
    for await (const piece of createReadStream(file, { highWaterMark: size })) yield piece as Uint8Array;
  } catch (error) {
    throw readError(file, error);
  }
}

/** What a message says of text that is not JSON. @param found what stands there; empty: the file ends */
export function jsonError(file: string, { line, column }: { line: number; column: number }, found: string): InputError {
  const what = found === '' ? 'the file ends' : `found ${JSON.stringify(found.slice(0, SNIPPET))}`;
  return new InputError(
    `${file} is not JSON: line ${line}, column ${column}: ${what}; correct it or write the file again`,
  );
}

function readError(file: string, error: unknown): InputError {
  const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
  return new InputError(
    missing ? `${file} does not exist; check the path` : `${file} cannot be read: ${String(error)}`,
  );
}

const SPACE = /[ \t\n\r]*/y;
const TOKEN = /[{}[\],:]|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;

/**
 * Where a text stops being JSON: the offset of the first token that cannot follow what stands before it
 * (the text's length where the text just ends). JSON.parse itself names the position in some of its messages only.
 */
export function jsonErrorOffset(text: string): number {
  const open: string[] = [];
  let expected: 'value' | 'value or ]' | 'key' | 'key or }' | 'colon' | 'comma' = 'value';
  for (let offset = 0; ; ) {
    offset = endOf(SPACE, text, offset) ?? offset;
    const end = text[offset] === '"' ? endOfString(text, offset) : endOf(TOKEN, text, offset);
    if (end === undefined) return offset;
    const token = text[offset];

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
      if (token !== '"') return offset;
      expected = 'colon';
    } else if (expected === 'comma' || '}],:'.includes(token)) {
      return offset;
    } else if (token === '{' || token === '[') {
      open.push(token);
      expected = token === '{' ? 'key or }' : 'value or ]';
    } else {
      expected = 'comma';
    }
    offset = end;
  }
}

/** Where a match that begins at the offset ends; undefined where there is none. */
function endOf(pattern: RegExp, text: string, offset: number): number | undefined {
  pattern.lastIndex = offset;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

/** No regular expression: one of a long string runs out of stack. */
function endOfString(text: string, start: number): number | undefined {
  for (let at = start + 1; at < text.length; ) {
    const character = text.charCodeAt(at);
    if (character === 0x22) return at + 1;
    if (character < 0x20) return undefined;
    const next = character === 0x5c ? endOf(ESCAPE, text, at) : at + 1;
    if (next === undefined) return undefined;
    at = next;
  }
  return undefined;
}
