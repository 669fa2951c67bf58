import { shortened } from './readable.js';

const MAX_LENGTH = 120;
const MAX_ENTRIES = 6;
const MAX_DEPTH = 2;

/**
 * A value as a message names it: its JSON, cut short where it is long or deep. (`JSON.stringify` runs out of stack on deep
 * values, says `null` for NaN and nothing for undefined.)
 */
export function brief(value: unknown): string {
  return shortened(jsonOf(value, 0), MAX_LENGTH);
}

function jsonOf(value: unknown, depth: number): string {
  if (typeof value === 'string') return JSON.stringify(shortened(value, MAX_LENGTH));
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? 'a function' : String(value);
  const isList = Array.isArray(value);
  if (depth === MAX_DEPTH) return isList ? '[…]' : '{…}';
  const inner = isList
    ? value.slice(0, MAX_ENTRIES).map((entry) => jsonOf(entry, depth + 1))
    : firstKeys(value).map((key) => `${jsonOf(key, 0)}:${jsonOf((value as Record<string, unknown>)[key], depth + 1)}`);
  const length = isList ? value.length : Object.keys(value).length;
  if (length > MAX_ENTRIES) inner.push('…');
  return isList ? `[${inner.join(',')}]` : `{${inner.join(',')}}`;
}

function firstKeys(value: object): string[] {
  return Object.keys(value).slice(0, MAX_ENTRIES);
}
