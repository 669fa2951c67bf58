import type { Random } from '../../src/tensor/random.js';

/** Deeper than any recursive function's stack. */
const DEEP = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
/** What no field expects, as texts: some are no JSON, and `JSON.stringify` runs out of stack on one. */
const STRANGE = [
  ...['null', 'true', 'false', '0', '-0', '-1', '0.5', '3', '255', '1e6', '1e308', '-1e308', '1e999', '5e-324'],
  ...['2147483648', '-2147483649', '4294967296', '9007199254740993', 'NaN', 'Infinity', 'undefined'],
  ...['""', '" "', '"x"', '"8"', '"1e999"', '"not a number"', '"__proto__"', '"constructor"', '"../../etc/passwd"'],
  ...[
    '"\\u0000\\u001b[31m\\ud800\\u202e"',
    '"<script>alert(1)</script>"',
    `"${'x'.repeat(5000)}"`,
    '"\\u0130"',
    '"a\\nb"',
  ],
  ...['[]', '{}', '[[]]', '[null]', '[1, 2], [3]', '[1, 2, 3, 4, 5]', '{"a": 1}', `[${'0, '.repeat(299)}0]`, DEEP],
];
/** Factors of numbers, which then may be taken. */
const MILD = [-1, 0.01, 0.5, 2, 7, 1000];
const KEYS = [
  '__proto__',
  'constructor',
  'toString',
  'length',
  '0',
  '',
  'id',
  'name',
  'ignore',
  'x'.repeat(300),
  '\u001b[2J',
];
const NOISE = ['{', '}', '[', ']', ',', ':', '"', '\\', '\n', '\u0001', ' ', '-', 'e', '9', '\ufeff', '\u00e4'];

/** One of several. */
export function pick<T>(random: Random, from: readonly T[]): T {
  return from[random.integer(from.length)];
}

/** The JSON of a value with some parts replaced, removed, added or renamed, and sometimes with other characters: then rarely JSON. */
export function mutateJson(value: unknown, random: Random): string {
  let changed = value;
  for (let i = pick(random, [1, 1, 1, 2, 3]); i > 0; i--) changed = changePart(changed, random);
  const text = JSON.stringify(changed).replace(/"@(\d+)@"/g, (_, index) => STRANGE[Number(index)]);
  return random.next() < 0.1 ? mutateText(text, random) : text;
}

/** Stands for one of `STRANGE` until all is text. */
function strange(random: Random): string {
  return `@${random.integer(STRANGE.length)}@`;
}

/** A copy with one part changed, at any depth. */
function changePart(value: unknown, random: Random): unknown {
  if (typeof value === 'number' && random.next() < 0.5) return value * pick(random, MILD);
  const isInner = typeof value === 'object' && value !== null && Object.keys(value).length > 0;
  if (!isInner || random.next() < 0.08) return strange(random);
  const inner = value as Record<string, unknown>;
  const key = pick(random, Object.keys(inner));
  const change = random.next();
  if (change < 0.65) return withField(inner, key, changePart(inner[key], random));
  if (change < 0.75) return withField(inner, key, strange(random));
  if (change < 0.85) return without(inner, key);
  if (change < 0.9) return withField(inner, key, inner[pick(random, Object.keys(inner))]);
  if (Array.isArray(value)) return change < 0.99 ? [...value, pick(random, value)] : [...value, ...value];
  return withField(
    change < 0.95 ? inner : without(inner, key),
    pick(random, KEYS),
    pick(random, [inner[key], strange(random)]),
  );
}

function withField(inner: Record<string, unknown>, key: string, value: unknown): unknown {
  if (Array.isArray(inner)) return inner.map((entry, i) => (String(i) === key ? value : entry));
  return Object.fromEntries([...Object.entries(inner), [key, value]]);
}

function without(inner: Record<string, unknown>, key: string): Record<string, unknown> {
  if (Array.isArray(inner)) return inner.filter((_, i) => String(i) !== key) as never;
  return Object.fromEntries(Object.entries(inner).filter(([name]) => name !== key));
}

/** A text cut short, or with some of its characters removed or replaced; rarely with bytes that are no text. */
export function mutateText(text: string, random: Random): string {
  if (random.next() < 0.3) return Buffer.from(mutateBytes(Buffer.from(text), random)).toString('utf8');
  let changed = text;
  for (let i = 1 + random.integer(3); i > 0; i--) {
    const at = random.integer(changed.length + 1);
    const put = random.next() < 0.7 ? pick(random, NOISE) : '';
    changed = changed.slice(0, at) + put + changed.slice(at + random.integer(3));
  }
  return changed;
}

/** Bytes cut short, with a part removed, doubled, flipped or overwritten. */
export function mutateBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.integer(bytes.length + 1);
  const longest = random.next() < 0.5 ? 4 : Math.max(8, Math.min(400, bytes.length >> 3));
  const length = Math.min(bytes.length - at, 1 + random.integer(longest));
  const [before, part, after] = [bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at + length)];
  const replaced = (put: Uint8Array) => Buffer.concat([before, put, after]);
  return pick(random, [
    () => (random.next() < 0.2 ? new Uint8Array(0) : before),
    () => after,
    () => replaced(new Uint8Array(0)),
    () => replaced(Buffer.concat([part, part])),
    () => replaced(Uint8Array.from(part, () => random.integer(256))),
    () => replaced(part.map((byte) => byte ^ (1 << random.integer(8)))),
    () => replaced(new Uint8Array(part.length)),
    () => replaced(new Uint8Array(part.length).fill(0xff)),
    () => Buffer.concat([Buffer.from('\ufeff'), bytes]),
  ])();
}

/** A safetensors file whose header or bytes are changed; the header's length mostly stays right. */
export function mutateSafetensors(bytes: Uint8Array, random: Random): Uint8Array {
  if (random.next() < 0.25) return mutateBytes(bytes, random);
  const headerLength = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(Buffer.from(bytes.subarray(8, 8 + headerLength)).toString('utf8'));
  const data = Uint8Array.from(bytes.subarray(8 + headerLength));
  if (random.next() < 0.35 && data.length >= 4) {
    const at = 4 * random.integer(data.length >> 2);
    new DataView(data.buffer).setFloat32(at, pick(random, [Number.NaN, Infinity, -Infinity, 3e38, -1, 1e-40]), true);
    return withHeader(JSON.stringify(header), data);
  }
  return withHeader(mutateJson(header, random), data, pick(random, [0, 0, 0, 0, 1, -1, 2 ** 40, 2 ** 62]));
}

/** @param off what the header's length is off by */
function withHeader(header: string, data: Uint8Array, off = 0): Uint8Array {
  const json = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt.asUintN(64, BigInt(json.length) + BigInt(off)));
  return Buffer.concat([length, json, data]);
}
