import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readTeacherFolder } from '../../src/onnx/folder.js';
import { checkMapping, classCount, mapClasses, type OnnxMapping, readMapping } from '../../src/onnx/mapping.js';
import { Placement } from '../../src/onnx/placement.js';
import { Random } from '../../src/tensor/random.js';
import { InputError } from '../../src/util/error.js';

/** What a person, a script or a broken disk may put in place of a value. */
const STRANGE: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  0.5,
  7,
  64,
  1e9,
  1e308,
  -1e-320,
  2 ** 53,
  '',
  'rgb',
  'boxes',
  '8',
  '\u0000\u202e',
  'x'.repeat(100_000),
  [],
  {},
  [[]],
  [null],
  ['a', 'a'],
  [8, 16],
  [1, 2, 3],
  new Array(5000).fill('y'),
  { boxes: 1 },
  JSON.parse('{"__proto__": {"bins": 3}, "constructor": 1}'),
];
const FIELDS = ['bins', 'classMap', '__proto__', 'toString', 'a', 'name', '0'];

/** A copy where one to three places are something else, are gone, or stand twice. */
function mutated(mapping: object, random: Random): unknown {
  let whole: unknown = structuredClone(mapping);
  const count = 1 + random.integer(3);
  for (let i = 0; i < count; i++) {
    const places: { parent: Record<string, unknown>; key: string }[] = [];
    const walk = (value: unknown) => {
      if (typeof value !== 'object' || value === null) return;
      for (const key of Object.keys(value).slice(0, 20)) {
        places.push({ parent: value as Record<string, unknown>, key });
        walk((value as Record<string, unknown>)[key]);
      }
    };
    walk(whole);
    const strange = structuredClone(STRANGE[random.integer(STRANGE.length)]);
    if (places.length === 0 || random.next() < 0.02) {
      whole = strange;
      continue;
    }
    const { parent, key } = places[random.integer(places.length)];
    const kind = random.integer(6);
    if (kind < 3) parent[key] = strange;
    else if (kind === 3 && Array.isArray(parent)) parent.splice(Number(key), 1);
    else if (kind === 3) delete parent[key];
    else if (kind === 4 && Array.isArray(parent)) parent.push(structuredClone(parent[Number(key)]));
    else
      Object.defineProperty(parent, FIELDS[random.integer(FIELDS.length)], {
        value: strange,
        enumerable: true,
        configurable: true,
      });
  }
  return whole;
}

/** Every tensor of the shape that the mapping asks for, of a batch of one. */
function fill(mapping: OnnxMapping): number {
  const size = { width: 2 * Math.max(...mapping.strides), height: Math.max(...mapping.strides) };
  const names = typeof mapping.classes === 'number' ? ['a'] : mapping.classes.slice(0, 3);
  if (classCount(mapping) > 1000 || mapping.tensors.length > 100) return 0;
  const classes = [...new Set([...names, ...Object.keys(mapping.classMap ?? {})])];
  mapClasses(mapping, classes);
  const tensors = mapping.tensors.map(({ tensor, axes, strides, channels }) => {
    const widths = { boxes: 4 * mapping.bins, classes: classCount(mapping) };
    const [H, W] = [size.height / strides[0], size.width / strides[0]];
    const A = strides.reduce((sum, stride) => sum + (size.height / stride) * (size.width / stride), 0);
    const dims = [...axes].map(
      (axis) => ({ B: 1, C: channels.reduce((sum, part) => sum + widths[part], 0), A, H, W })[axis]!,
    );
    return [tensor, { dims, data: new Float32Array(dims.reduce((a, b) => a * b)).fill(-1) }] as const;
  });
  const placement = new Placement({ ...mapping, scores: 'logits' }, classes, size);
  return placement.fill([{ first: 0, tensors: new Map(tensors) }], 1).classLogits.length;
}

let folder: string;
let mappings: OnnxMapping[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewise-mappings-'));
  const guide = await readFile('docs/onnx.md', 'utf8');
  const blocks = [...guide.matchAll(/```json\n(.*?)```/gs)].map(([, block]) => JSON.parse(block));
  mappings = blocks.filter((block) => 'tensors' in block);
});
afterAll(() => rm(folder, { recursive: true }));

/** One line that names the file, or nothing. */
function expectToldWell(error: unknown, file: string): void {
  expect(error).toBeInstanceOf(InputError);
  const { message } = error as InputError;
  expect(message.startsWith(file)).toBe(true);
  expect(message.length).toBeLessThan(4000);
  expect(message).not.toContain('\n');
}

test('no mapping of any types ends in anything but an InputError', () => {
  const random = Random.of(20);
  let [accepted, refused] = [0, 0];
  for (let i = 0; i < 600; i++) {
    const given = mutated(mappings[i % mappings.length], random);
    let mapping: OnnxMapping;
    try {
      mapping = checkMapping(given, 'm.json');
    } catch (error) {
      expectToldWell(error, 'm.json: ');
      refused++;
      continue;
    }
    accepted++;
    try {
      fill(mapping);
    } catch (error) {
      expect(error, JSON.stringify(given)).toBeInstanceOf(InputError);
    }
  }
  // Otherwise the mutations are too coarse, or too fine.
  expect(accepted).toBeGreaterThan(20);
  expect(refused).toBeGreaterThan(300);
});

test('nor does a file with bytes that are wrong, as a mapping or in the folder of a teacher', async () => {
  const random = Random.of(21);
  const file = join(folder, 'teacher.json');
  for (let i = 0; i < 120; i++) {
    const isFolder = i % 2 === 1;
    const mapping = mappings[i % mappings.length];
    const text = JSON.stringify(isFolder ? { mapping, width: 640, height: 640 } : mapping);
    const bytes = Buffer.from(text);
    for (let k = random.integer(4); k >= 0; k--) bytes[random.integer(bytes.length)] = random.integer(256);
    await writeFile(file, bytes.subarray(0, random.next() < 0.2 ? random.integer(bytes.length) : bytes.length));
    const read = isFolder ? readTeacherFolder(folder) : readMapping(file);
    await read.catch((error: unknown) => expectToldWell(error, file));
  }
  for (const size of [0, -64, 1e15, 100, 2.5, '640', null, [640]]) {
    await writeFile(file, JSON.stringify({ mapping: mappings[0], width: 640, height: size }));
    await expect(readTeacherFolder(folder)).rejects.toThrow(/teacher\.json: height is .*; expected a multiple of 32/);
  }
});
