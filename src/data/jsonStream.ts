import { InputError } from '../util/error.js';
import { jsonError, jsonErrorOffset, readPieces, SNIPPET } from './json.js';

/** Takes the parts of a JSON text as they come. `key` is that of the text's object under which they stand; null: the text is no object. */
export interface JsonVisitor {
  /** An array begins. */
  array(key: string | null): void;
  /** Its next entry. */
  entry(key: string | null, value: unknown): void;
  /** Anything but an array. */
  other(key: string | null, value: unknown): void;
}

/** Bytes of an entry; a crowd of COCO takes 100 kB. An entry beyond this has lost a quote or a bracket. */
const LARGEST_ENTRY = 1 << 27;
const CHUNK = 1 << 20;
/** Bytes that tell how the text is encoded. */
const MARK = 3;

/**
 * Reads a JSON file of any size entry by entry: a JavaScript string holds at most 512 MB, and memory may not hold all entries.
 * @throws {InputError} the file cannot be read, or is not JSON: then with the line and column where it breaks. Whatever the
 * visitor throws
 */
export async function visitJson(file: string, visitor: JsonVisitor): Promise<void> {
  const reader = new JsonReader(file, visitor);
  for await (const chunk of readPieces(file, CHUNK)) reader.write(chunk);
  reader.end();
}

type Expected =
  | 'text'
  | 'key or }'
  | 'key'
  | 'colon'
  | 'value'
  | 'comma or }'
  | 'entry or ]'
  | 'entry'
  | 'comma or ]'
  | 'nothing';

const code = (character: string) => character.charCodeAt(0);
const [QUOTE, BACKSLASH, LINE_FEED, SPACE] = [code('"'), code('\\'), code('\n'), code(' ')];

// What a byte ends or begins in a value; 0: nothing.
const [STRING, OPENS, CLOSES, BETWEEN] = [1, 2, 3, 4];
const MEANING = new Uint8Array(256);
MEANING[QUOTE] = STRING;
for (const character of '[{') MEANING[code(character)] = OPENS;
for (const character of ']}') MEANING[code(character)] = CLOSES;
for (const character of ',: \t\r\n') MEANING[code(character)] = BETWEEN;

/**
 * Cuts a JSON text that comes in pieces into the entries of its arrays and gives each to JSON.parse, which is three times as
 * fast as a tokenizer in JavaScript. It takes exactly the texts that JSON.parse takes.
 */
export class JsonReader {
  readonly #name: string;
  readonly #visitor: JsonVisitor;
  readonly #largest: number;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  /** What is not read yet: the value under way. */
  #bytes: Uint8Array = new Uint8Array(0);
  #room = this.#bytes;
  #expected: Expected = 'text';
  #key: string | null = null;
  /** Where the present value begins in `#bytes`; −1 between values. */
  #start = -1;
  #startsAt = { line: 1, column: 1 };
  /** The brackets that are open in it. */
  #open: number[] = [];
  #inString = false;
  #isEscaped = false;
  #line = 1;
  /** Where the line begins in `#bytes`; negative: before. */
  #lineStart = 0;
  #isBegun = false;

  /**
   * @param name of the file, for errors
   * @param largest bytes of an entry
   */
  constructor(name: string, visitor: JsonVisitor, largest = LARGEST_ENTRY) {
    this.#name = name;
    this.#visitor = visitor;
    this.#largest = largest;
  }

  /** @throws {InputError} it cannot become JSON any more. Whatever the visitor throws */
  write(chunk: Uint8Array): void {
    const known = this.#bytes.length;
    this.#append(chunk);
    if (this.#isBegun) this.#read(known);
    else if (this.#bytes.length >= MARK) this.#read(this.#begin());
  }

  /** @throws {InputError} the text is not whole. Whatever the visitor throws */
  end(): void {
    if (!this.#isBegun) this.#read(this.#begin());
    // A number or word may end the text; brackets and quotes may not stay open.
    if (this.#start >= 0) {
      if (this.#open.length > 0 || this.#inString) throw this.#broken(this.#bytes.length);
      this.#finish(this.#bytes.length);
    }
    if (this.#expected !== 'nothing') throw jsonError(this.#name, this.#place(this.#bytes.length), '');
  }

  #append(chunk: Uint8Array): void {
    const rest = this.#bytes;
    const length = rest.length + chunk.length;
    if (rest.length === 0) {
      this.#bytes = chunk;
      return;
    }
    if (rest.buffer !== this.#room.buffer || rest.byteOffset > 0 || this.#room.length < length) {
      // Extra room, so that a value of many pieces is copied only a few times.
      this.#room = new Uint8Array(2 * length);
      this.#room.set(rest);
    }
    this.#room.set(chunk, rest.length);
    this.#bytes = this.#room.subarray(0, length);
  }

  #read(from: number): void {
    const bytes = this.#bytes;
    for (let at = from; at < bytes.length; ) {
      if (this.#start >= 0) {
        at = this.#scan(at);
      } else if (bytes[at] === LINE_FEED) {
        this.#line++;
        this.#lineStart = ++at;
      } else if (MEANING[bytes[at]] === BETWEEN && bytes[at] <= SPACE) {
        at++;
      } else if (this.#punctuation(at)) {
        at++;
      } else {
        this.#startsAt = this.#place(at);
        this.#start = at;
      }
    }
    const kept = this.#start < 0 ? bytes.length : this.#start;
    if (bytes.length - kept > this.#largest) this.#tooLarge();
    this.#bytes = bytes.subarray(kept);
    this.#lineStart -= kept;
    if (this.#start > 0) this.#start = 0;
  }

  /** @returns where the text begins, after a byte order mark */
  #begin(): number {
    this.#isBegun = true;
    const [a, b, c] = this.#bytes;
    if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff))
      throw new InputError(`${this.#name} is UTF-16 text; save it as UTF-8`);
    this.#lineStart = a === 0xef && b === 0xbb && c === 0xbf ? 3 : 0;
    return this.#lineStart;
  }

  /** Takes a bracket, comma or colon between values. @returns false where a value begins */
  #punctuation(at: number): boolean {
    const character = String.fromCharCode(this.#bytes[at]);
    const next = this.#next(character);
    if (next === undefined) throw jsonError(this.#name, this.#place(at), this.#snippet(at));
    if (next === 'begins') return false;
    if (character === '[') this.#visitor.array(this.#key);
    this.#expected = next;
    return true;
  }

  /** What may follow; undefined where the character cannot come here. */
  #next(character: string): Expected | 'begins' | undefined {
    const value = ',:]}'.includes(character) ? undefined : 'begins';
    const key = character === '"' ? 'begins' : undefined;
    const arrayEnd = this.#key === null ? 'nothing' : 'comma or }';
    switch (this.#expected) {
      case 'text':
        return character === '{' ? 'key or }' : character === '[' ? 'entry or ]' : value;
      case 'key or }':
        return character === '}' ? 'nothing' : key;
      case 'key':
        return key;
      case 'colon':
        return character === ':' ? 'value' : undefined;
      case 'value':
        return character === '[' ? 'entry or ]' : value;
      case 'comma or }':
        return character === ',' ? 'key' : character === '}' ? 'nothing' : undefined;
      case 'entry or ]':
        return character === ']' ? arrayEnd : value;
      case 'entry':
        return value;
      case 'comma or ]':
        return character === ',' ? 'entry' : character === ']' ? arrayEnd : undefined;
      case 'nothing':
        return undefined;
    }
  }

  /** Goes on in the value under way. @returns where to go on: its end, or that of the bytes */
  #scan(from: number): number {
    const bytes = this.#bytes;
    const open = this.#open;
    let at = from;
    while (at < bytes.length) {
      if (this.#inString) {
        at = this.#scanString(at);
        if (this.#inString) return at;
        if (open.length === 0) return this.#finish(at);
        continue;
      }
      const meaning = MEANING[bytes[at]];
      if (meaning === 0) {
        at++;
      } else if (open.length === 0 && at > this.#start) {
        return this.#finish(at); // a number or word
      } else if (meaning === STRING) {
        this.#inString = true;
        at++;
      } else if (meaning === OPENS) {
        open.push(bytes[at++]);
      } else if (meaning === CLOSES) {
        // The codes of ] and } are 2 above those of [ and {.
        if (open.pop() !== bytes[at++] - 2) throw this.#broken(at);
        if (open.length === 0) return this.#finish(at);
      } else {
        if (bytes[at++] !== LINE_FEED) continue;
        this.#line++;
        this.#lineStart = at;
      }
    }
    return at;
  }

  /** Goes on in a string of the value under way. @returns after its quote, or the end of the bytes */
  #scanString(from: number): number {
    const bytes = this.#bytes;
    let at = this.#isEscaped ? from + 1 : from;
    this.#isEscaped = false;
    for (; at < bytes.length; at++) {
      const byte = bytes[at];
      if (byte === QUOTE) {
        this.#inString = false;
        return at + 1;
      }
      if (byte < SPACE) throw this.#broken(at + 1);
      // The next byte ends nothing; it may not be there yet.
      if (byte === BACKSLASH) this.#isEscaped = ++at === bytes.length;
    }
    return bytes.length;
  }

  /** Gives away the value under way. @returns its end */
  #finish(end: number): number {
    if (end - this.#start > this.#largest) this.#tooLarge();
    let value: unknown;
    try {
      value = JSON.parse(this.#text(this.#start, end));
    } catch (error) {
      if (error instanceof InputError) throw error;
      throw this.#broken(end);
    }
    this.#start = -1;
    if (this.#expected === 'key' || this.#expected === 'key or }') {
      this.#key = value as string;
      this.#expected = 'colon';
    } else if (this.#expected === 'entry' || this.#expected === 'entry or ]') {
      this.#visitor.entry(this.#key, value);
      this.#expected = 'comma or ]';
    } else {
      this.#visitor.other(this.#key, value);
      this.#expected = this.#key === null ? 'nothing' : 'comma or }';
    }
    return end;
  }

  /** What is wrong in the value under way, of which the bytes up to `end` are known. */
  #broken(end: number): InputError {
    const text = this.#text(this.#start, end);
    const offset = jsonErrorOffset(text);
    const { line, column } = this.#startsAt;
    const lines = text.slice(0, offset).split('\n');
    const last = lines[lines.length - 1].length;
    const place = { line: line + lines.length - 1, column: lines.length === 1 ? column + last : 1 + last };
    return jsonError(this.#name, place, text.slice(offset, offset + SNIPPET) + this.#snippet(end));
  }

  #tooLarge(): never {
    const { line, column } = this.#startsAt;
    throw new InputError(
      `${this.#name}: the entry at line ${line}, column ${column} has more than ${this.#largest >> 20} MB; is a quote or a bracket missing?`,
    );
  }

  /** What stands there, as far as it is known. */
  #snippet(at: number): string {
    return new TextDecoder().decode(this.#bytes.subarray(at, at + SNIPPET));
  }

  #place(at: number): { line: number; column: number } {
    return { line: this.#line, column: at - this.#lineStart + 1 };
  }

  #text(start: number, end: number): string {
    const bytes = this.#bytes.subarray(start, end);
    try {
      return this.#decoder.decode(bytes);
    } catch {
      const { line, column } = this.#start >= 0 ? this.#startsAt : this.#place(start);
      throw new InputError(
        `${this.#name} is not UTF-8 text: in the entry at line ${line}, column ${column}; save it as UTF-8`,
      );
    }
  }
}
