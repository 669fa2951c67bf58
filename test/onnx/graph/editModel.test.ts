import { onnx } from 'onnx-proto';
import { expect, test } from 'vitest';
import { editModel } from '../../../src/onnx/graph/editModel.js';
import { parseModel } from '../../../src/onnx/graph/parse.js';
import { fieldParts, integerParts, joinBytes } from '../../../src/onnx/wire.js';
import { halvesOfFloats } from '../../../src/util/half.js';

const DATA = [1.5, -2, 0.25, 8];
const CHANGED = [0.5, 3, -4, 16];
const raw = (values: ArrayBufferView) => new Uint8Array(values.buffer);

/** The ways in which a file holds numbers. */
const TENSORS: onnx.ITensorProto[] = [
  { name: 'raw', dataType: 1, rawData: raw(Float32Array.from(DATA)) },
  { name: 'listed', dataType: 1, floatData: DATA },
  { name: 'doubles', dataType: 11, doubleData: DATA },
  { name: 'raw doubles', dataType: 11, rawData: raw(Float64Array.from(DATA)) },
  { name: 'halves', dataType: 10, int32Data: [...halvesOfFloats(Float32Array.from(DATA))] },
  { name: 'raw halves', dataType: 10, rawData: raw(halvesOfFloats(Float32Array.from(DATA))) },
];

const port = (name: string, dims: (number | string)[]): onnx.IValueInfoProto => ({
  name,
  type: {
    tensorType: {
      elemType: 1,
      shape: { dim: dims.map((one) => (typeof one === 'number' ? { dimValue: one } : { dimParam: one })) },
    },
  },
});

function model(tensor: onnx.ITensorProto, { irVersion = 8 } = {}) {
  const graph: onnx.IGraphProto = {
    initializer: [{ ...tensor, dims: [2, 2] }],
    node: [
      {
        opType: 'Constant',
        output: ['c'],
        attribute: [{ name: 'value', type: 4, t: { ...TENSORS[0], dims: [4], name: '' } }],
      },
      {
        opType: 'Split',
        input: ['x'],
        output: ['y', 'z'],
        attribute: [
          { name: 'axis', type: 2, i: 1 },
          { name: 'split', type: 7, ints: [3, 1] },
        ],
      },
    ],
    input: [port('x', ['batch', 4])],
    output: [port('y', ['batch', 3])],
    valueInfo: [port('z', ['batch', 1])],
  };
  const metadataProps = [
    { key: 'names', value: 'a' },
    { key: 'edgewise.recipe', value: 'old' },
  ];
  const bytes = onnx.ModelProto.encode({
    irVersion,
    opsetImport: [{ domain: '', version: 11 }],
    graph,
    metadataProps,
  }).finish();
  // A field of a later version.
  return joinBytes([bytes, ...fieldParts(99, Uint8Array.of(1, 2, 3))]);
}

test.each(TENSORS.map((tensor) => [tensor.name!, tensor] as const))(
  '%s: values go where the old ones are',
  async (name, tensor) => {
    const bytes = model(tensor);
    const shape = [2, 2];
    const same = editModel(bytes, { tensors: new Map([[name, { shape, data: DATA }]]) });
    expect(Buffer.compare(same, bytes)).toBe(0);
    const changed = editModel(bytes, { tensors: new Map([[name, { shape, data: CHANGED }]]) });
    expect(changed).toHaveLength(bytes.length + (name === 'halves' ? changed.length - bytes.length : 0));
    const { initializers } = await parseModel(changed, 'changed');
    expect([...(initializers.get(name)?.data ?? [])]).toEqual(CHANGED);
    const larger = editModel(bytes, { tensors: new Map([[name, { shape: [3, 2], data: [...CHANGED, 1, 2] }]]) });
    const found = (await parseModel(larger, 'larger')).initializers.get(name);
    expect([found?.shape, [...(found?.data ?? [])]]).toEqual([
      [3, 2],
      [...CHANGED, 1, 2],
    ]);
  },
);

test('numbers that stand in a field each are read, and stay so where nothing changes', async () => {
  const dims = [integerParts(1, 2), integerParts(1, 2)].flat();
  const floats = DATA.map((value) => joinBytes([Uint8Array.of((4 << 3) | 5), raw(Float32Array.of(value))]));
  const tensor = joinBytes([
    ...dims,
    ...integerParts(2, 1),
    ...floats,
    ...fieldParts(8, new TextEncoder().encode('w')),
  ]);
  const graph = joinBytes([
    ...fieldParts(5, tensor),
    ...fieldParts(12, onnx.ValueInfoProto.encode({ name: 'w' }).finish()),
  ]);
  const bytes = joinBytes([...integerParts(1, 8), ...fieldParts(7, graph)]);
  const edit = (data: number[]) => editModel(bytes, { tensors: new Map([['w', { shape: [2, 2], data }]]) });
  expect(Buffer.compare(edit(DATA), bytes)).toBe(0);
  expect([...((await parseModel(edit(CHANGED), 'w')).initializers.get('w')?.data ?? [])]).toEqual(CHANGED);
});

test('nodes, constants, shapes and texts change, and nothing else', () => {
  const bytes = model(TENSORS[0]);
  const edited = editModel(bytes, {
    tensors: new Map([['c', { shape: [4], data: CHANGED }]]),
    nodes: new Map([
      [
        1,
        {
          inputs: ['x', 'more'],
          attributes: new Map<string, number[] | null>([
            ['split', [-1, 5]],
            ['axis', null],
          ]),
        },
      ],
    ]),
    added: new Map([['more', { type: 'integer' as const, shape: [2], data: [7, -7] }]]),
    shapes: new Map<string, Map<number, number> | null>([
      [
        'y',
        new Map([
          [0, 9],
          [1, 5],
        ]),
      ],
      ['z', null],
    ]),
    metadata: { 'edgewise.recipe': 'ld' },
  });
  const [before, after] = [bytes, edited].map((one) =>
    onnx.ModelProto.toObject(onnx.ModelProto.decode(one), { arrays: true }),
  );
  const [constant, split] = after.graph.node;
  expect([...new Float32Array(constant.attribute[0].t.rawData.slice().buffer)]).toEqual(CHANGED);
  expect(split.input).toEqual(['x', 'more']);
  expect(split.attribute.map((one: onnx.IAttributeProto) => [one.name, one.type, one.ints!.map(Number)])).toEqual([
    ['split', 7, [-1, 5]],
  ]);
  expect([...new BigInt64Array(after.graph.initializer[1].rawData.slice().buffer)]).toEqual([7n, -7n]);
  const dims = (value: onnx.IValueInfoProto) =>
    value.type?.tensorType?.shape?.dim?.map((one) => one.dimParam || Number(one.dimValue));
  // A batch that the file leaves open stays open.
  expect(dims(after.graph.output[0])).toEqual(['batch', 5]);
  expect(dims(after.graph.valueInfo[0])).toBeUndefined();
  expect(dims(after.graph.input[0])).toEqual(['batch', 4]);
  expect(after.metadataProps).toEqual([before.metadataProps[0], { key: 'edgewise.recipe', value: 'ld' }]);
  expect(Buffer.from(edited).includes(Buffer.of(1, 2, 3))).toBe(true);
});

test('old files declare every initializer as an input', () => {
  const added = new Map([['more', { type: 'float' as const, shape: [4], data: DATA }]]);
  const inputsOf = (irVersion: number) =>
    onnx.ModelProto.decode(editModel(model(TENSORS[0], { irVersion }), { added })).graph?.input?.map(
      ({ name }) => name,
    );
  expect(inputsOf(3)).toEqual(['x', 'more']);
  expect(inputsOf(4)).toEqual(['x']);
});
