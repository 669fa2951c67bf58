import type { Random } from '../../src/tensor/random.js';

/** Values that no field expects, as JSON texts; some of them are none. */
const STRANGE = [
  'null',
  'true',
  'false',
  '""',
  '"0"',
  '"text"',
  '[]',
  '{}',
  '[null]',
  '[[1, 2], [3]]',
  '0',
  '-0',
  '-1',
  '0.5',
  '1e308',
  '-1e308',
  '1e999',
  '5e-324',
  '9007199254740993',
  'NaN',
  'Infinity',
  'undefined',
  '"\\u0000\\ud800"',
  '"__proto__"',
];
/** Factors of numbers. */
const MILD = [0, -1, 0.01, 0.5, 2, 7, 1000];
const NOISE = ['{', '}', '[', ']', ',', ':', '"', '\\', '\n', '\u0001', ' ', '-', 'e', '9', '\ufeff', '\u00e4'];

/** What is put in place of a mark once all is text. */
type Marks = Map<string, string>;

/**
 * A text that was the JSON of a value: some of its parts have become strange, and some of its characters.
 * @returns a function of the generator's state alone
 */
export function mutate(value: unknown, random: Random): string {
  const marks: Marks = new Map();
  const root = { value: structuredClone(value) };
  for (let i = 0; i < 1 + random.integer(2); i++) changePart(root, random, marks);
  let text = JSON.stringify(root.value) ?? '';
  for (const [mark, strange] of marks) text = text.replaceAll(JSON.stringify(mark), () => strange);
  return random.next() < 0.2 ? changeCharacters(text, random) : text;
}

/** Replaces, removes, doubles or adds a part of a value, wherever it is. */
function changePart(root: { value: unknown }, random: Random, marks: Marks): void {
  let parent: Record<string, unknown> = root;
  let key = 'value';
  for (;;) {
    const inside = parent[key];
    const keys = typeof inside === 'object' && inside !== null ? Object.keys(inside) : [];
    if (keys.length === 0 || random.next() < 0.12) break;
    parent = inside as Record<string, unknown>;
    key = keys[random.integer(keys.length)];
  }
  const kind = random.integer(6);
  if (kind === 0) {
    if (Array.isArray(parent)) parent.splice(Number(key), 1);
    else delete parent[key];
  } else if (kind === 1 && Array.isArray(parent)) {
    parent.push(structuredClone(parent[random.integer(parent.length)]));
  } else if (kind === 2) {
    parent[['ignore', 'iscrowd', 'area', 'id', '__proto__', 'bbox'][random.integer(6)]] = strange(random, marks);
  } else if (typeof parent[key] === 'number' && random.next() < 0.7) {
    // Of its kind, so that it may be taken.
    parent[key] = MILD[random.integer(MILD.length)] * (parent[key] as number);
  } else {
    parent[key] = strange(random, marks);
  }
}

function strange(random: Random, marks: Marks): string {
  const depth = random.next() < 0.05 ? 100_000 : 0;
  const text = depth > 0 ? '['.repeat(depth) + ']'.repeat(depth) : STRANGE[random.integer(STRANGE.length)];
  const mark = `mark ${marks.size}`;
  marks.set(mark, text);
  return mark;
}

/** Cuts the text short, or removes, doubles or replaces some of its characters. */
function changeCharacters(text: string, random: Random): string {
  if (random.next() < 0.3) return text.slice(0, random.integer(text.length + 1));
  let changed = text;
  for (let i = 0; i < 1 + random.integer(3); i++) {
    const at = random.integer(changed.length + 1);
    const put = random.next() < 0.7 ? NOISE[random.integer(NOISE.length)] : '';
    changed = changed.slice(0, at) + put + changed.slice(at + random.integer(3));
  }
  return changed;
}
