import { brief } from './brief.js';
import { InputError } from './error.js';

/**
 * Looks at an argument, whatever a program in plain JavaScript gives.
 * @throws InputError that names it, says what it is and what was expected
 */
export type Check = (name: string, value: unknown) => void;

/** Throws what a check throws. @param expected what the argument has to be, and the remedy where there is one */
export function refuse(name: string, value: unknown, expected: string): never {
  throw new InputError(`${name}: ${kindOf(value)}; expected ${expected}.`);
}

/** What a value is, for messages: numbers, words, lists and plain objects as they are, others by their class. */
export function kindOf(value: unknown): string {
  if (isPromise(value)) return 'a promise (await it)';
  if (ArrayBuffer.isView(value)) return `a ${classOf(value)} of ${'length' in value ? value.length : value.byteLength}`;
  if (typeof value !== 'object' || value === null || Array.isArray(value) || isPlain(value)) return brief(value);
  const name = classOf(value);
  // A class of a minified bundle is called `e` or alike.
  return name.length > 2 ? `${/^[AEIO]/.test(name) ? 'an' : 'a'} ${name}` : 'an object of another kind';
}

/** Whether it was made by an async function, or is to be awaited for another reason. */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

/** For a field that has to be there, and is looked at where it is used. */
export const anything: Check = () => {};

/** @param most unless there is no limit */
export function integer(least: number, most = Number.MAX_SAFE_INTEGER): Check {
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  return (name, value) => {
    if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return;
    refuse(name, value, `an integer ${range}`);
  };
}

/** Any finite number: its range is looked at where it is used. */
export const number: Check = (name, value) => {
  if (!Number.isFinite(value)) refuse(name, value, 'a finite number');
};

/** A finite number above 0. */
export const positive: Check = (name, value) => {
  if (!(Number.isFinite(value) && (value as number) > 0)) refuse(name, value, 'a number above 0');
};

/** A number from `least` on and below `bound`. */
export function numberFrom(least: number, bound = Number.POSITIVE_INFINITY): Check {
  const range = bound === Number.POSITIVE_INFINITY ? `of at least ${least}` : `of [${least}, ${bound})`;
  return (name, value) => {
    if (typeof value === 'number' && value >= least && value < bound) return;
    refuse(name, value, `a number ${range}`);
  };
}

/** True or false. */
export const flag: Check = (name, value) => {
  if (typeof value !== 'boolean') refuse(name, value, 'true or false');
};

/** A text. */
export const text: Check = (name, value) => {
  if (typeof value !== 'string') refuse(name, value, 'a text');
};

/** One of these words. */
export function oneOf(...words: readonly string[]): Check {
  return (name, value) => {
    if (!words.some((word) => word === value)) refuse(name, value, `one of ${words.join(', ')}`);
  };
}

/** Work that a function calls. */
export const work: Check = (name, value) => {
  if (typeof value !== 'function') refuse(name, value, 'a function');
};

/**
 * The same of work that is over when it returns. It may give back a promise of what it has begun, such as of a read: what comes
 * after an `await` would come too late.
 */
export const syncWork: Check = (name, value) => {
  work(name, value);
  if (Object.prototype.toString.call(value) !== '[object AsyncFunction]') return;
  throw new InputError(`${name}: an async function; give a synchronous one, and await before or after.`);
};

/** What work gave back, where it has to be done by then. @throws InputError when it is a promise */
export function notAsync<T>(name: string, result: T): T {
  if (!isPromise(result)) return result;
  // Its own error, if there is one, is of no use to anybody.
  result.then(undefined, () => {});
  throw new InputError(
    `${name}: its work is async (it gave a promise); give a synchronous function, and await before or after.`,
  );
}

/** Numbers one after another: an array, a typed array, or an object with a length and that many numbers. */
export const numbers: Check = (name, value) => {
  const list = value as ArrayLike<unknown> | null | undefined;
  if (typeof value !== 'object' || !Number.isSafeInteger(list?.length) || isBig(value)) {
    refuse(name, value, 'a list of numbers: an array or a typed array');
  }
  if (ArrayBuffer.isView(value) || !list) return;
  for (let i = 0; i < list.length; i++) {
    if (typeof list[i] === 'number') continue;
    if (Array.isArray(list[i]) || ArrayBuffer.isView(list[i])) {
      throw new InputError(
        `${name}: lists within a list, [${kindOf(list[i])}, …]; give its numbers one after another: ${name}.flat().`,
      );
    }
    throw new InputError(`${name}: entry ${i} is ${kindOf(list[i])}; expected a number.`);
  }
};

/** An array of at least one entry, whose entries pass a check. */
export function listOf(check: Check, what: string): Check {
  return (name, value) => {
    if (!Array.isArray(value) || value.length === 0) refuse(name, value, `an array of ${what}`);
    else for (const [i, entry] of value.entries()) check(`${name}[${i}]`, entry);
  };
}

/** May be left out. */
export function optional(check: Check): Check {
  return (name, value) => {
    if (value !== undefined) check(name, value);
  };
}

/** An object with these fields; others it may have besides. Messages name a field by its path. */
export function fields(checks: Readonly<Record<string, Check>>): Check {
  return (name, value) => checkFields(checks, name, value, `${name}.`);
}

/** The same for options, whose names say by themselves what is meant. */
export function options(checks: Readonly<Record<string, Check>>): Check {
  return (name, value) => checkFields(checks, name, value, '');
}

function checkFields(checks: Readonly<Record<string, Check>>, name: string, value: unknown, path: string): void {
  const keys = Object.keys(checks);
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value) && !isPromise(value);
  // An object of a class may serve for its fields; one that has none of them was meant for something else.
  if (!isObject || (!isPlain(value) && !keys.some((key) => key in value))) {
    refuse(name, value, keys.length > 0 ? `an object with ${keys.join(', ')}` : 'an object');
  }
  for (const key of keys) checks[key]?.(path + key, (value as Record<string, unknown>)[key]);
}

/** Whether it is an object of no class, as JSON has them. */
export function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function isBig(value: unknown): boolean {
  return value instanceof BigInt64Array || value instanceof BigUint64Array;
}

function classOf(value: object): string {
  // esbuild puts an underscore before the name of a class that names itself within.
  return value.constructor?.name?.replace(/^_/, '') ?? '';
}
