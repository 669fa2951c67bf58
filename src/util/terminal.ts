import { readable, readableLines } from './readable.js';

let isHushed = false;

/** From now on `tell` says nothing: another process of the same work has the word. */
export function hush(): void {
  isHushed = true;
}

/** Writes a line to stderr: all that is not a command's result. Whatever names are in it, it stays one line. */
export function tell(line: string): void {
  if (isHushed) return;
  console.warn(readable(line));
}

/** Writes a result to stdout, of one line or several. */
export function print(text: string): void {
  console.log(readableLines(text));
}

/** Writes a result as one line of JSON, with escapes for what a terminal would act on. */
export function printJson(value: unknown): void {
  const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  console.log(JSON.stringify(value).replace(/[\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g, escaped));
}
