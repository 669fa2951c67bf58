import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSafetensors, type StoredTensor, writeSafetensors } from '../../src/data/safetensors.js';
import { InputError } from '../../src/util/error.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewise-safetensors-'));
});
afterAll(() => rm(folder, { recursive: true }));

const shapes = fc.array(fc.nat({ max: 4 }), { maxLength: 3 });
const size = (shape: number[]) => shape.reduce((a, b) => a * b, 1);
const tensor: fc.Arbitrary<StoredTensor> = shapes.chain((shape) => {
  const exactly = { minLength: size(shape), maxLength: size(shape) };
  return fc.oneof(
    fc.float32Array(exactly).map((data) => ({ dtype: 'F32' as const, shape, data })),
    fc.float64Array(exactly).map((data) => ({ dtype: 'F64' as const, shape, data })),
    fc.int32Array(exactly).map((data) => ({ dtype: 'I32' as const, shape, data })),
    fc.bigInt64Array(exactly).map((data) => ({ dtype: 'I64' as const, shape, data })),
    fc.uint16Array(exactly).map((data) => ({ dtype: 'BF16' as const, shape, data })),
    fc.uint8Array(exactly).map((data) => ({ dtype: 'U8' as const, shape, data })),
  );
});
const key = fc.string().filter((name) => name !== '__metadata__');
const contents = fc.record({
  tensors: fc.uniqueArray(fc.tuple(key, tensor), { selector: ([name]) => name, maxLength: 5 }),
  metadata: fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true }),
});

test('what is written is read back, bit for bit, from the file and from its bytes', async () => {
  const file = join(folder, 'round-trip.safetensors');
  await fc.assert(
    fc.asyncProperty(contents, async ({ tensors, metadata }) => {
      await writeSafetensors(file, tensors, metadata);
      const bytes = new Uint8Array(await readFile(file));
      for (const read of [await readSafetensors(file), await readSafetensors(bytes)]) {
        expect(Object.entries(read.metadata).sort()).toEqual(Object.entries(metadata).sort());
        expect([...read.tensors.keys()].sort()).toEqual(tensors.map(([name]) => name).sort());
        for (const [name, { dtype, shape, data }] of tensors) {
          const found = read.tensors.get(name);
          expect(found?.dtype).toBe(dtype);
          expect(found?.shape).toEqual(shape);
          expect(Buffer.from(found!.data.buffer)).toEqual(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
          expect(found?.data.constructor).toBe(data.constructor);
        }
      }
    }),
    { numRuns: 60 },
  );
  expect(await readdir(folder)).toEqual(['round-trip.safetensors']);
});

test('bytes at an odd offset of a larger buffer are read alike', async () => {
  const file = join(folder, 'round-trip.safetensors');
  await writeSafetensors(file, [['a', { dtype: 'F64', shape: [2], data: Float64Array.of(1.5, -2) }]]);
  const bytes = await readFile(file);
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  expect((await readSafetensors(shifted.subarray(3))).tensors.get('a')?.data).toEqual(Float64Array.of(1.5, -2));
});

test('every prefix of a file, and every file with bytes too many, is rejected', async () => {
  const file = join(folder, 'whole.safetensors');
  await writeSafetensors(
    file,
    [
      ['weight', { dtype: 'F32', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
      ['step', { dtype: 'I32', shape: [], data: Int32Array.of(7) }],
    ],
    { epoch: '3' },
  );
  const bytes = new Uint8Array(await readFile(file));
  for (let length = 0; length < bytes.length; length++)
    await expect(readSafetensors(bytes.subarray(0, length)), `${length} bytes`).rejects.toThrow(InputError);
  await expect(readSafetensors(Buffer.concat([bytes, Buffer.alloc(1)]))).rejects.toThrow(/follow the header/);

  const half = join(folder, 'half.safetensors');
  await writeFile(half, bytes.subarray(0, bytes.length >> 1));
  await expect(readSafetensors(half)).rejects.toThrow(/half\.safetensors is not a whole.*cut short.*again/);
});

function handmade(header: unknown, data: number): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(data)]);
}

test.each([
  ['a header that is not JSON', '{"a": ', 0, /header is not JSON/],
  ['a header that is a list', [], 0, /not a JSON object/],
  ['metadata that is not strings', { __metadata__: { epoch: 3 } }, 0, /object of strings/],
  ['an unknown dtype', { a: { dtype: 'F8', shape: [1], data_offsets: [0, 1] } }, 1, /"a" has dtype "F8"; convert/],
  ['an inherited name as dtype', { a: { dtype: 'toString', shape: [1], data_offsets: [0, 1] } }, 1, /dtype "toString"/],
  ['a negative size', { a: { dtype: 'U8', shape: [-1], data_offsets: [0, 1] } }, 1, /shape \[-1\]/],
  ['no entry', { a: null }, 0, /"a" has dtype undefined/],
  ['offsets out of range', { a: { dtype: 'U8', shape: [9], data_offsets: [0, 9] } }, 4, /ends at byte 9.*which has 4/],
  ['offsets backwards', { a: { dtype: 'U8', shape: [1], data_offsets: [2, 1] } }, 4, /expected \[begin, end\]/],
  ['offsets of another size', { a: { dtype: 'F32', shape: [2], data_offsets: [0, 4] } }, 4, /takes 8 bytes.*say 4/],
  ['a hole', { a: { dtype: 'U8', shape: [1], data_offsets: [1, 2] } }, 2, /starts at byte 1.*expected 0/],
  [
    'an overlap',
    { a: { dtype: 'U8', shape: [2], data_offsets: [0, 2] }, b: { dtype: 'U8', shape: [2], data_offsets: [1, 3] } },
    3,
    /"b" starts at byte 1.*expected 2/,
  ],
])('%s is rejected', async (_, header, data, message) => {
  const reading = readSafetensors(handmade(header, data));
  await expect(reading).rejects.toThrow(InputError);
  await expect(reading).rejects.toThrow(message);
});

test('another kind of file and a missing file are rejected with the name', async () => {
  const text = join(folder, 'notes.txt');
  await writeFile(text, 'some text, long enough for a header length');
  await expect(readSafetensors(text)).rejects.toThrow(/notes\.txt.*check that it is a \.safetensors file/);
  await expect(readSafetensors(join(folder, 'absent.safetensors'))).rejects.toThrow(
    /absent\.safetensors cannot be read/,
  );
});

test('wrong tensors are rejected before anything is written', async () => {
  const file = join(folder, 'never.safetensors');
  const data = Float32Array.of(1, 2);
  const one = (name: string, entry: unknown): [string, StoredTensor] => [name, entry as StoredTensor];
  await expect(writeSafetensors(file, [one('a', { dtype: 'F32', shape: [3], data })])).rejects.toThrow(/shape \[3\]/);
  await expect(writeSafetensors(file, [one('a', { dtype: 'I32', shape: [2], data })])).rejects.toThrow(/Int32Array/);
  await expect(writeSafetensors(file, [one('__metadata__', { dtype: 'F32', shape: [2], data })])).rejects.toThrow(
    /reserved/,
  );
  const twice = one('a', { dtype: 'F32', shape: [2], data });
  await expect(writeSafetensors(file, [twice, twice])).rejects.toThrow(/given twice/);
  expect(await readdir(folder)).not.toContain('never.safetensors');
});

test('a failed write leaves the old file and no temporary file', async () => {
  const file = join(folder, 'kept.safetensors');
  const entry: [string, StoredTensor] = ['a', { dtype: 'U8', shape: [1], data: Uint8Array.of(5) }];
  await writeSafetensors(file, [entry]);
  const before = await readdir(folder);
  await expect(writeSafetensors(file, [['a', { ...entry[1], shape: [2] }]])).rejects.toThrow(InputError);
  // A folder in the way of the rename: the write itself succeeds, the last step fails.
  await expect(writeSafetensors(folder, [entry])).rejects.toThrow(/cannot be written/);
  expect((await readSafetensors(file)).tensors.get('a')?.data).toEqual(Uint8Array.of(5));
  expect(await readdir(folder)).toEqual(before);
});
