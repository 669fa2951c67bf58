import { DeviceError, InputError } from '../src/util/error.js';
import { FakeDevice, fakeGpu } from './fakeDevice.js';

/** A public function with arguments that are right. */
export interface Use {
  name: string;
  call: (...given: never[]) => unknown;
  /** The arguments by their names; made anew for every call. */
  given: () => Record<string, unknown>;
  /** Wrong values that are right at a path: groups of `GROUPS`, or names of `WRONG`. */
  fine?: Record<string, readonly string[]>;
}

const other = new FakeDevice();
const closed = new FakeDevice();
await closed.close();
const disposed = other.tensor([1, 2]);
disposed.dispose();

/** What a person may give in place of what is meant. */
const WRONG: Record<string, () => unknown> = {
  undefined: () => undefined,
  null: () => null,
  NaN: () => Number.NaN,
  '-1': () => -1,
  '0.5': () => 0.5,
  Infinity: () => Number.POSITIVE_INFINITY,
  "'3'": () => '3',
  "'word'": () => 'word',
  true: () => true,
  '{}': () => ({}),
  '[]': () => [],
  '[[0, 0, 1, 1]]': () => [[0, 0, 1, 1]],
  '() => {}': () => () => {},
  'async () => {}': () => async () => {},
  'a promise': () => Promise.resolve(1),
  'a Map': () => new Map(),
  'a GPUDevice': () => fakeGpu(),
  'a GPUBuffer': () => fakeGpu().createBuffer({ size: 64, usage: 0x80 }),
  'a disposed tensor': () => disposed,
  "another device's tensor": () => other.tensor([1, 2]),
  'another device': () => other,
  'a closed device': () => closed,
};

const GROUPS: Record<string, readonly string[]> = {
  optional: ['undefined'],
  number: ['-1', '0.5'],
  positive: ['0.5'],
  anyNumber: ['NaN', '-1', '0.5', 'Infinity'],
  options: ['undefined', '{}'],
  text: ["'3'", "'word'"],
};

/**
 * Gives every argument, and every field and first entry within it, each wrong value.
 * @returns what is not refused by an InputError or DeviceError that names the argument, and what is refused although it is fine
 */
export async function mistakesIn(use: Use): Promise<string[]> {
  await called(use, use.given());
  const mistakes: string[] = [];
  for (const path of placesIn(use.given())) {
    const at = path.join('.');
    const fine = (use.fine?.[at] ?? []).flatMap((name) => GROUPS[name] ?? [name]);
    for (const [wrong, make] of Object.entries(WRONG)) {
      const found = await outcomeOf(use, path, make());
      if (fine.includes(wrong) ? found !== 'taken' : found !== 'refused') mistakes.push(`${at} = ${wrong}: ${found}`);
    }
  }
  return mistakes;
}

async function called(use: Use, given: Record<string, unknown>): Promise<void> {
  await (use.call as (...all: unknown[]) => unknown)(...Object.values(given));
}

async function outcomeOf(use: Use, path: readonly string[], wrong: unknown): Promise<string> {
  const given = use.given();
  try {
    await called(use, changed(given, path, wrong) as Record<string, unknown>);
    return 'taken';
  } catch (error) {
    const { message, stack } = error as Error;
    const isClear = error instanceof InputError || error instanceof DeviceError;
    if (!isClear) return stack ?? message;
    return namesOf(given, path).some((name) => message.includes(name)) ? 'refused' : `unnamed: ${message}`;
  }
}

/** By which a message may name what is wrong: the argument, its fields on the way, or a field that it lacks. */
function namesOf(given: unknown, path: readonly string[]): string[] {
  const value = path.reduce((part, key) => (part as Record<string, unknown>)[key], given);
  return [...path.filter((key) => key !== '0'), ...(isPlain(value) ? Object.keys(value) : [])];
}

/** Every place in the arguments: each itself, the fields of plain objects and the first entries of lists. */
function* placesIn(value: unknown, path: readonly string[] = []): Generator<readonly string[]> {
  if (path.length > 0) yield path;
  if (path.length > 3) return;
  if (Array.isArray(value)) {
    if (value.length > 0) yield* placesIn(value[0], [...path, '0']);
  } else if (isPlain(value) && !isOurs(value)) {
    for (const key of Object.keys(value)) yield* placesIn(value[key], [...path, key]);
  }
}

/** What only functions of ours make: nobody gives its fields one by one. */
function isOurs(value: object): boolean {
  return 'imageStarts' in value || 'levelTable' in value || 'classification' in value;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function changed(value: unknown, [key, ...rest]: readonly string[], to: unknown): unknown {
  if (key === undefined) return to;
  if (Array.isArray(value)) return value.map((entry, i) => (String(i) === key ? changed(entry, rest, to) : entry));
  const from = value as Record<string, unknown>;
  return { ...from, [key]: changed(from[key], rest, to) };
}
