import { brief } from '../util/brief.js';
import { InputError } from '../util/error.js';
import { checked } from '../util/schema.js';
import isLogEntry from './logEntry.jsonschema';
import type { LogEntry } from './runFolder.js';

/** Whether a text is JSON. */
export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * An epoch from its line of a log.
 * @param place where the line stands, for the message
 * @throws InputError when it is none
 */
export function parseEntry(line: string, place: string): LogEntry {
  if (!isJson(line)) {
    throw new InputError(`${place} is ${brief(line)}, which is not JSON; remove the line, or give another run.`);
  }
  return checkEntry(JSON.parse(line), place);
}

/**
 * An epoch of a log.
 * @param place where it stands, for the message
 * @throws InputError when it is none
 */
export function checkEntry(value: unknown, place: string): LogEntry {
  return checked<LogEntry>(value, isLogEntry, {
    file: place,
    whole: 'an epoch',
    remedy: 'remove it, or give another run',
  });
}
