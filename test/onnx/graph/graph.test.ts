import { expect, test } from 'vitest';
import { inspectModel } from '../../../src/onnx/graph/inspection.js';
import { type GraphOptions, type OnnxGraph, readGraph } from '../../../src/onnx/graph/plan.js';
import { Builder, gfocalLike, nanodetLike, picodetLike, yoloLike } from './models.js';

const operatorsOf = ({ steps }: OnnxGraph) => steps.map(({ operator }) => operator);
const namesOf = ({ parameters }: OnnxGraph) => parameters.map(({ name }) => name);

/** A model of one node behind its input x [1, 4, 6, 6], and what of its shape is read. */
async function alone(
  build: (b: Builder) => string,
  {
    opset = 17,
    shape = [1, 4, 6, 6] as (number | string)[],
    ...options
  }: GraphOptions & { opset?: number; shape?: (number | string)[] } = {},
) {
  const b = new Builder(opset);
  return readGraph(b.encode({ x: shape }, [build(b)]), options);
}

test('NanoDet: sizes that are computed become constants, and what is left is what runs', async () => {
  const { model, shape } = nanodetLike('batch');
  const graph = await readGraph(model, { shapes: { images: shape } });
  expect(graph.outputs.map((output) => output.shape)).toEqual([
    [2, 16, 2],
    [2, 16, 4],
  ]);
  const operators = operatorsOf(graph);
  for (const gone of ['Shape', 'Gather', 'Cast', 'Unsqueeze', 'Constant']) expect(operators).not.toContain(gone);
  expect(operators.filter((operator) => operator === 'Conv')).toHaveLength(7);
  // Slices that take the whole are one Split, and what joins and interleaves the channels is one copy.
  for (const gone of ['Slice', 'Concat', 'LeakyRelu']) expect(operators).not.toContain(gone);
  expect(operators.filter((operator) => operator === 'ChannelShuffle')).toHaveLength(1);
  expect(operators.filter((operator) => operator === 'Split')).toHaveLength(2);
  expect(namesOf(graph)).toContain('unit2.weight');
  expect(namesOf(graph)).not.toContain('roi');
  expect(graph.parameters.filter(({ decay }) => decay).every(({ name }) => name.endsWith('.weight'))).toBe(true);
});

test('a model of one image is read for a batch', async () => {
  const { model } = nanodetLike(1);
  const shapes = { images: [3, 3, 16, 16] };
  const graph = await readGraph(model, { shapes });
  expect(graph.outputs.map((output) => output.shape[0])).toEqual([3, 3]);
  expect(graph.steps.every((step) => step.shapes.every(([batch]) => batch === 3))).toBe(true);
  const first = alone((b) => b.node('Gather', ['x', b.constant([0], false)], { axis: 0 }), {
    shapes: { x: [3, 4, 6, 6] },
  });
  await expect(first).rejects.toThrow(/takes 1 of the batch; use a batch of 1/);
});

test('YOLO: x · σ(x) is one operation, and the decoder can be cut off', async () => {
  const { model, outputs } = yoloLike();
  await expect(readGraph(model)).rejects.toThrow(
    /^model: node node best, operator TopK, cannot be read: this operator is not known\. It is node \d+ of \d+, takes reshape\.\d+ of node reshape\.\d+, and best\.0 needs it; no layer with weights comes behind it, so it can be cut off: give outputs before it \(map, reshape\.\d+\)\.$/,
  );
  const graph = await readGraph(model, { outputs });
  const operators = operatorsOf(graph);
  expect(operators.filter((operator) => operator === 'Silu')).toHaveLength(9);
  expect(operators).not.toContain('Sigmoid');
});

test('an operator with weights behind it cannot be cut off', async () => {
  const b = new Builder(17);
  const y = b.convolution('last', b.node('Det', ['x']), [4, 2, 1]);
  await expect(readGraph(b.encode({ x: [1, 4, 6, 6] }, [y]))).rejects.toThrow(
    /operator Det.*takes the input, and conv\.1 needs it; 1 layer with weights behind it needs it, so it cannot be cut off/,
  );
});

test('PicoDet: HardSwish written out is one operation, and batch norms are part of the convolutions before', async () => {
  const graph = await readGraph(picodetLike().model);
  const operators = operatorsOf(graph);
  expect(operators.filter((operator) => operator === 'HardSwish')).toHaveLength(2);
  for (const gone of ['Clip', 'Div', 'BatchNormalization']) expect(operators).not.toContain(gone);
  expect(namesOf(graph)).toEqual(expect.arrayContaining(['norm.scale', 'norm.shift', 'depthwise.bias']));
  expect(namesOf(graph)).not.toContain('norm.mean');
});

test('GFocal: a group norm as exporters write it keeps its scale and shift as parameters', async () => {
  const graph = await readGraph(gfocalLike().model);
  expect(namesOf(graph)).toEqual(expect.arrayContaining(['gn.scale', 'gn.shift', 'norm2.scale']));
  // The factor of a level's boxes. A number of a formula is none.
  expect(namesOf(graph)).toContain('scale');
  expect(graph.parameters.find(({ name }) => name === 'scale')?.decay).toBe(false);
  const operators = operatorsOf(graph);
  expect(operators.filter((operator) => operator === 'BatchNormalization')).toHaveLength(1);
  // With its ReLU; the other is part of the stem's convolution.
  expect(operators.filter((operator) => operator === 'GroupNorm')).toHaveLength(1);
  expect(operators).not.toContain('Relu');
  expect(operators).not.toContain('InstanceNormalization');
  expect(namesOf(await readGraph(gfocalLike().model, { train: ['scale'] }))).toEqual(['scale']);
});

const swish = (b: Builder, scale: (product: string, six: string) => string, x = 'x') => {
  const clipped = b.node('Clip', [b.node('Add', [x, b.constant([3])]), b.constant([0]), b.constant([6])]);
  return scale(b.node('Mul', [clipped, x]), b.constant([6]));
};

test.each<[string, string, (b: Builder) => string]>([
  ['Mul by a sixth', 'HardSwish', (b) => swish(b, (product) => b.node('Mul', [b.constant([1 / 6]), product]))],
  [
    'the gate divided first',
    'HardSwish',
    (b) => {
      const clipped = b.node('Clip', [b.node('Add', [b.constant([3]), 'x']), b.constant([0]), b.constant([6])]);
      return b.node('Mul', ['x', b.node('Div', [clipped, b.constant([6])])]);
    },
  ],
  [
    'HardSigmoid',
    'HardSwish',
    (b) => b.node('Mul', ['x', b.node('HardSigmoid', ['x'], { alpha: { float: 1 / 6 }, beta: { float: 0.5 } })]),
  ],
  ['Softplus and Tanh', 'Mish', (b) => b.node('Mul', ['x', b.node('Tanh', [b.node('Softplus', ['x'])])])],
  [
    'Erf',
    'Gelu',
    (b) => {
      const erf = b.node('Erf', [b.node('Div', ['x', b.constant([Math.SQRT2])])]);
      return b.node('Mul', [b.node('Mul', ['x', b.node('Add', [erf, b.constant([1])])]), b.constant([0.5])]);
    },
  ],
  [
    'Erf, the half first',
    'Gelu',
    (b) => {
      const erf = b.node('Erf', [b.node('Mul', ['x', b.constant([Math.SQRT1_2])])]);
      return b.node('Mul', [b.node('Mul', ['x', b.constant([0.5])]), b.node('Add', [erf, b.constant([1])])]);
    },
  ],
])('an activation written as %s is %s', async (_, operator, build) => {
  expect(operatorsOf(await alone(build))).toEqual([operator]);
});

test.each<[string, (b: Builder) => string]>([
  ['x times the sigmoid of another', (b) => b.node('Mul', ['x', b.node('Sigmoid', [b.node('Relu', ['x'])])])],
  [
    'a clip at another bound',
    (b) => swish(b, (product, six) => b.node('Div', [product, six]), b.node('Clip', ['x', '', b.constant([5])])),
  ],
  ['division by another number', (b) => swish(b, (product) => b.node('Div', [product, b.constant([5])]))],
])('%s is no such activation', async (name, build) => {
  const operators = operatorsOf(await alone(build));
  if (name.startsWith('a clip')) expect(operators).toEqual(['Clip', 'HardSwish']);
  else expect(operators).not.toEqual(expect.arrayContaining([expect.stringMatching(/Silu|HardSwish/)]));
});

test.each<[string, number[], (b: Builder) => string]>([
  [
    'Conv, SAME_UPPER',
    [1, 2, 3, 3],
    (b) => b.node('Conv', ['x', b.weights('w', [2, 4, 3, 3])], { auto_pad: 'SAME_UPPER', strides: [2, 2] }),
  ],
  [
    'Conv, dilated',
    [1, 2, 3, 2],
    (b) => b.node('Conv', ['x', b.weights('w', [2, 4, 3, 3])], { dilations: [2, 2], pads: [1, 0, 0, 0] }),
  ],
  [
    'MaxPool, rounded up',
    [1, 4, 3, 3],
    (b) => b.node('MaxPool', ['x'], { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }),
  ],
  ['MaxPool, rounded down', [1, 4, 2, 2], (b) => b.node('MaxPool', ['x'], { kernel_shape: [3, 3], strides: [2, 2] })],
  [
    'Upsample of opset 9',
    [1, 4, 12, 12],
    (b) => b.node('Upsample', ['x', b.floats('s', [4], [1, 1, 2, 2])], { mode: 'nearest' }),
  ],
  ['Flatten', [1, 144], (b) => b.node('Flatten', ['x'])],
  ['Squeeze', [4, 6, 6], (b) => b.node('Squeeze', ['x', b.constant([0], false, [1])])],
  [
    'Slice of every second',
    [1, 4, 3, 6],
    (b) => b.node('Slice', ['x', ...[[0], [99], [2], [2]].map((one) => b.constant(one, false, [1]))]),
  ],
  [
    'Slice from the end',
    [1, 4, 6, 2],
    (b) => b.node('Slice', ['x', ...[[-2], [99], [-1]].map((one) => b.constant(one, false, [1]))]),
  ],
  ['Pad', [1, 4, 7, 6], (b) => b.node('Pad', ['x', b.constant([0, 0, 1, 0, 0, 0, 0, 0], false)])],
  ['DepthToSpace', [1, 1, 12, 12], (b) => b.node('DepthToSpace', ['x'], { blocksize: 2 })],
  ['ReduceMean', [1, 4], (b) => b.node('ReduceMean', ['x'], { axes: [2, 3], keepdims: 0 })],
  ['MatMul', [1, 4, 6, 3], (b) => b.node('MatMul', ['x', b.weights('w', [6, 3])])],
  ['Expand', [2, 4, 6, 6], (b) => b.node('Expand', ['x', b.constant([2, 1, 1, 1], false)])],
  [
    'Range and ConstantOfShape',
    [1, 4, 6, 6],
    (b) => {
      const grid = b.node('Range', [b.constant([0]), b.constant([6]), b.constant([1])]);
      return b.node('Add', [b.node('Add', ['x', grid]), b.node('ConstantOfShape', [b.node('Shape', ['x'])])]);
    },
  ],
])('%s has the right shape', async (name, shape, build) => {
  const graph = await alone(build, { opset: name.startsWith('Upsample') ? 9 : 13 });
  expect(graph.outputs[0].shape).toEqual(shape);
});

test.each<[string, (b: Builder) => string, RegExp]>([
  [
    'an attribute',
    (b) => b.node('Relu', ['x'], { odd: 1 }),
    /operator Relu, cannot be read: its attribute odd is not known/,
  ],
  [
    'a mode',
    (b) => b.node('Resize', ['x', '', b.floats('s', [4], [1, 1, 2, 2])], { mode: 'cubic' }),
    /its mode is cubic; only nearest, linear are read/,
  ],
  [
    'a Reshape by values',
    (b) => b.node('Reshape', ['x', 'x']),
    /input 1 \(x\) depends on the images; a constant is needed/,
  ],
  [
    'channels that do not fit',
    (b) => b.node('Conv', ['x', b.weights('w', [2, 3, 1, 1])]),
    /a weight of \[2,3,1,1\] in 1 groups for 4 channels/,
  ],
])('%s that is not read is one clear error', async (_, build, message) => {
  await expect(alone(build)).rejects.toThrow(message);
});

test('what is no model, has an open size, an old opset or lacks a tensor is told', async () => {
  await expect(readGraph(new TextEncoder().encode('{}'))).rejects.toThrow(/model is no ONNX model/);
  await expect(alone((b) => b.node('Relu', ['x']), { shape: ['n', 4, 'h', 'w'] })).rejects.toThrow(
    /its input x is \[open, 4, open, open\]; give its width and height/,
  );
  const graph = await alone((b) => b.node('Relu', ['x']), { shape: ['n', 4, 'h', 'w'], open: { width: 5, height: 3 } });
  expect(graph.outputs[0].shape).toEqual([1, 4, 3, 5]);
  const cut = alone((b) => b.node('Add', ['x', b.floats('w', [6], [1, 2])]));
  await expect(cut).rejects.toThrow(/tensor w: 2 values for the shape \[6\]/);
  await expect(alone((b) => b.node('Relu', ['x']), { opset: 8 })).rejects.toThrow(/has opset 8; 9 to 21 are read/);
  await expect(alone((b) => b.node('Relu', ['x']), { outputs: ['y'] })).rejects.toThrow(
    /has no tensor y; its outputs are relu\.0/,
  );
});

test('an inspection goes on where a node cannot be read', async () => {
  const found = await inspectModel(yoloLike().model, { name: 'yolo.onnx' });
  expect(found.operators.find(({ operator }) => operator === 'TopK')).toEqual({
    operator: 'TopK',
    count: 1,
    known: false,
  });
  expect(found.faults).toEqual([expect.stringMatching(/^yolo\.onnx: node node best, operator TopK/)]);
  expect(found.trainable.tensors).toBe(22);
  // A 1×1 convolution of 8 channels to 3 on 8×8 locations, alone.
  const one = await inspectModel(yoloLike().model, { outputs: ['map'] });
  expect(one.flops.convolutions).toBeGreaterThan(2 * 8 * 3 * 64);
  expect(one.faults).toEqual([]);
});
