import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onnx } from 'onnx-proto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { externalFilesOf } from '../../src/onnx/externalData.js';
import { OnnxModel } from '../../src/onnx/model.js';
import { readModel } from '../../src/onnx/readModel.js';
import { fieldsOf } from '../../src/onnx/wire.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewise-external-'));
});
afterAll(() => rm(folder, { recursive: true }));

const FLOAT = 1;
const values = (...numbers: number[]) => new Uint8Array(Float32Array.from(numbers).buffer);
const inside = (name: string, ...numbers: number[]): onnx.ITensorProto => ({
  name,
  dataType: FLOAT,
  dims: [numbers.length],
  rawData: values(...numbers),
});
const outside = (name: string, dims: number[], pairs: Record<string, string>): onnx.ITensorProto => ({
  name,
  dataType: FLOAT,
  dims,
  dataLocation: 1,
  externalData: Object.entries(pairs).map(([key, value]) => ({ key, value })),
});
/** Tensors at every place where ONNX has them. */
function modelOf(tensors: [onnx.ITensorProto, onnx.ITensorProto, onnx.ITensorProto, onnx.ITensorProto]): Uint8Array {
  const [initializer, constant, listed, nested] = tensors;
  const bytes = onnx.ModelProto.encode({
    irVersion: 10,
    producerName: 'test',
    graph: {
      name: 'g',
      initializer: [inside('own', 7), initializer],
      node: [
        { opType: 'Constant', output: ['c'], attribute: [{ name: 'value', type: 4, t: constant }] },
        { opType: 'Custom', output: ['d'], attribute: [{ name: 'list', type: 9, tensors: [listed] }] },
        {
          opType: 'If',
          output: ['e'],
          attribute: [{ name: 'then_branch', type: 5, g: { name: 'then', initializer: [nested] } }],
        },
      ],
      output: [{ name: 'e' }],
    },
  }).finish();
  // A field of a later version of the format, which this version's decoder does not know.
  return Uint8Array.from([...bytes, 0xfa, 0x06, 3, 1, 2, 3]);
}

const WHOLE = modelOf([inside('a', 1, 2), inside('b', 3), inside('c', 4, 5), inside('d', 6)]);
const SPLIT = modelOf([
  outside('a', [2], { location: 'm.onnx.data', offset: '4', length: '8' }),
  outside('b', [1], { location: 'm.onnx.data', length: '4' }),
  outside('c', [2], { location: 'more/rest.bin' }),
  outside('d', [1], { location: 'm.onnx.data', offset: '12', length: '4', checksum: 'x' }),
]);

/** Writes the split model with what is given of its two files. */
async function write(name: string, model: Uint8Array, data?: Uint8Array, rest = values(4, 5)): Promise<string> {
  const own = join(folder, name);
  await mkdir(join(own, 'more'), { recursive: true });
  await writeFile(join(own, 'm.onnx'), model);
  if (data) await writeFile(join(own, 'm.onnx.data'), data);
  await writeFile(join(own, 'more', 'rest.bin'), rest);
  return join(own, 'm.onnx');
}

test('weights of other files come inside, wherever the model has them, and nothing else changes', async () => {
  expect(externalFilesOf(SPLIT)).toEqual(['m.onnx.data', 'more/rest.bin']);
  const { model, name } = await readModel(await write('split', SPLIT, values(3, 1, 2, 6)));
  expect(name).toBe(join(folder, 'split', 'm.onnx'));
  expect(externalFilesOf(model)).toEqual([]);
  expect(onnx.ModelProto.decode(model)).toEqual(onnx.ModelProto.decode(WHOLE));
  // Field 111, in bytes, is where it was.
  expect([...fieldsOf(model)].map(({ number }) => number)).toEqual([...fieldsOf(WHOLE)].map(({ number }) => number));
  expect([...model.subarray(-6)]).toEqual([0xfa, 0x06, 3, 1, 2, 3]);
});

test('a model that holds its weights is given as it is', async () => {
  const { model } = await readModel(await write('whole', WHOLE));
  expect(Buffer.compare(model, WHOLE)).toBe(0);
});

test('what is missing, too short or elsewhere is named, with how to export without', async () => {
  const HOW = /torch\.onnx\.export\(…, external_data=False\)/;
  const missing = readModel(await write('missing', SPLIT));
  await expect(missing).rejects.toThrow(
    /m\.onnx: its weights are in "m\.onnx\.data" beside it, which is missing\. Put/,
  );
  await expect(missing).rejects.toThrow(HOW);
  const short = readModel(await write('short', SPLIT, values(3, 1, 2)));
  await expect(short).rejects.toThrow(/"m\.onnx\.data" beside it has 12 bytes, but "d" needs those from 12 to 16/);
  for (const location of ['../m.onnx.data', '/etc/hostname', 'more/../../x']) {
    const tensor = outside('a', [2], { location });
    const model = modelOf([tensor, inside('b', 3), inside('c', 4), inside('d', 6)]);
    await expect(readModel(await write('elsewhere', model, values(1)))).rejects.toThrow(/outside its folder/);
  }
  for (const location of ['', '.', 'more', 'm.onnx/x', '\0']) {
    const tensor = outside('a', [2], { location });
    const model = modelOf([tensor, inside('b', 3), inside('c', 4), inside('d', 6)]);
    await expect(readModel(await write('no-file', model, values(1)))).rejects.toThrow(
      /, which (is no file|cannot be read)/,
    );
  }
  for (const offset of ['x', '-4', '1e9', '0.5', '1e999']) {
    const tensor = outside('a', [2], { location: 'm.onnx.data', offset });
    const model = modelOf([tensor, inside('b', 3), inside('c', 4), inside('d', 6)]);
    await expect(readModel(await write('offset', model, values(1, 2)))).rejects.toThrow(
      /"m\.onnx\.data" beside it has 8/,
    );
  }
});

test('bytes alone, whose weights are elsewhere, say how to read them', async () => {
  const input = { order: 'rgb', white: 1, mean: [0, 0, 0], deviation: [1, 1, 1] } as const;
  const tensors = [{ tensor: 'e', axes: 'BCHW', strides: [8], channels: ['boxes', 'classes'] }] as const;
  const mapping = { input, strides: [8], bins: 2, centreOffset: 0, scores: 'logits', tensors, classes: ['x'] } as const;
  const opened = OnnxModel.open({
    model: SPLIT,
    mapping: structuredClone(mapping) as never,
    classes: ['x'],
    width: 8,
    height: 8,
  });
  await expect(opened).rejects.toThrow(/its weights are in other files, m\.onnx\.data, more\/rest\.bin; read it with/);
});

test('what is no model, or cut short, is refused', async () => {
  for (const bytes of [SPLIT.subarray(0, 100), new TextEncoder().encode('<html>not found</html>')]) {
    await expect(readModel(await write('broken', bytes))).rejects.toThrow(/is no ONNX model, or cut short/);
  }
  await expect(readModel(join(folder, 'none.onnx'))).rejects.toThrow(/none\.onnx cannot be read/);
});
