import { InferenceSession, Tensor as OnnxTensor } from 'onnxruntime-web';
import { expect, test } from 'vitest';
import { replaceClasses } from '../../../src/onnx/graph/replaceClasses.js';
import type { OnnxMapping } from '../../../src/onnx/mapping.js';
import { OnnxModel } from '../../../src/onnx/model.js';
import { Random } from '../../../src/tensor/random.js';
import { Builder } from './models.js';

const SIDE = 16;
const OWN = ['cat', 'dog', 'cow'];
const BINS = 2;
const EDGES = 4 * BINS;
/** Cells a side of the levels of stride 8 and 16. */
const CELLS = [2, 1];

type Tensors = OnnxMapping['tensors'];

interface Head {
  opset?: number;
  scores?: OnnxMapping['scores'];
  classes?: string[];
  /** From two maps of 8 channels to the tensors of the mapping and more outputs. */
  build: (b: Builder, maps: string[]) => { tensors: Tensors; outputs?: string[] };
}

const strides = [8, 16];
const perLevel = (axes: Tensors[number]['axes'], names: string[], channels: Tensors[number]['channels']): Tensors =>
  names.map((tensor, i) => ({ tensor, axes, strides: [strides[i]], channels }));
const boxesOf = (b: Builder, maps: string[]) =>
  perLevel(
    'BCHW',
    maps.map((map, i) => b.convolution(`box${i}`, map, [8, EDGES, 1])),
    ['boxes'],
  );
/** Tails of one level, beside boxes of their own. */
const ofLevels =
  (tail: (b: Builder, map: string, i: number) => string, axes: Tensors[number]['axes'] = 'BCHW'): Head['build'] =>
  (b, maps) => ({
    tensors: [
      ...boxesOf(b, maps),
      ...perLevel(
        axes,
        maps.map((map, i) => tail(b, map, i)),
        ['classes'],
      ),
    ],
  });
const bare = (b: Builder, map: string, i: number, outputs = 3) =>
  b.convolution(`cls${i}`, map, [8, outputs, 1], { bias: false });
const rows = (b: Builder, map: string, channels: number) =>
  b.node('Transpose', [b.node('Reshape', [map, b.constant([1, channels, -1], false)])], { perm: [0, 2, 1] });
/** Classes and boxes in one tensor a level, behind a decoder. */
const joint =
  (decode: (b: Builder, map: string, i: number) => string): Head['build'] =>
  (b, maps) => {
    const both = maps.map((map, i) => b.convolution(`both${i}`, map, [8, 3 + EDGES, 1]));
    const outputs = both.map((map, i) => decode(b, map, i));
    return { tensors: perLevel('BCHW', both, ['classes', 'boxes']), outputs };
  };

const HEADS: [string, Head][] = [
  ['convolutions without a bias', { build: ofLevels(bare) }],
  [
    'biases added behind',
    { build: ofLevels((b, map, i) => b.node('Add', [b.weights(`bias${i}`, [1, 3, 1, 1]), bare(b, map, i)])) },
  ],
  [
    'a factor',
    { build: ofLevels((b, map, i) => b.node('Mul', [b.convolution(`cls${i}`, map, [8, 3, 3]), b.constant([2])])) },
  ],
  [
    'a weight that both levels share',
    { build: ofLevels((b, map) => b.node('Conv', [map, b.weights('w', [3, 8, 1, 1]), b.weights('bias', [3])])) },
  ],
  [
    'products of matrices',
    {
      build: ofLevels((b, map, i) => {
        const product = b.node('MatMul', [rows(b, map, 8), b.weights(`w${i}`, [8, 3])]);
        return b.node('Add', [product, b.weights(`bias${i}`, [3], 16)]);
      }, 'BAC'),
    },
  ],
  [
    'Gemm, then a Reshape',
    {
      scores: 'probabilities',
      build: ofLevels((b, map, i) => {
        const flat = b.node('Reshape', [rows(b, map, 8), b.constant([-1, 8], false)]);
        const operands = [flat, b.weights(`w${i}`, [3, 8]), b.weights(`bias${i}`, [3], 16)];
        const product = b.node('Gemm', operands, { transB: 1 });
        return b.node('Sigmoid', [b.node('Reshape', [product, b.constant([1, CELLS[i] ** 2, 3], false)])]);
      }, 'BAC'),
    },
  ],
  [
    'channels last',
    {
      build: (b, maps) => {
        const both = maps.map((map, i) => b.convolution(`both${i}`, map, [8, EDGES + 3, 1]));
        const last = both.map((map) => b.node('Transpose', [map], { perm: [0, 2, 3, 1] }));
        return { tensors: perLevel('BHWC', last, ['boxes', 'classes']) };
      },
    },
  ],
  [
    'all levels in one tensor, the second first',
    {
      scores: 'probabilities',
      build: (b, maps) => {
        const flat = maps.map((map, i) => {
          const cls = b.node('Sigmoid', [b.convolution(`cls${i}`, map, [8, 3, 1])]);
          const both = b.node('Concat', [cls, b.convolution(`box${i}`, map, [8, EDGES, 1])], { axis: 1 });
          return rows(b, both, 3 + EDGES);
        });
        const tensor = b.node('Concat', [flat[1], flat[0]], { axis: 1 });
        return { tensors: [{ tensor, axes: 'BAC', strides: [16, 8], channels: ['classes', 'boxes'] }] };
      },
    },
  ],
  [
    'slices by attributes',
    { opset: 9, build: joint((b, map) => b.node('Slice', [map], { axes: [1], starts: [0], ends: [3] })) },
  ],
  [
    'slices by inputs, from the end',
    {
      build: joint((b, map) => {
        const parts = [-EDGES, 2 ** 40, 1].map((one) => b.constant([one], false, [1]));
        return b.node('Slice', [map, ...parts]);
      }),
    },
  ],
  [
    'parts of one size',
    {
      opset: 18,
      classes: Array.from({ length: EDGES }, (_, i) => OWN[i] ?? `other ${i}`),
      build: (b, maps) => {
        const halves = maps.map((map, i) => {
          const both = b.convolution(`both${i}`, map, [8, 2 * EDGES, 1]);
          return b.nodes('Split', [both], { axis: 1, num_outputs: 2 }, 2);
        });
        const [cls, box] = [0, 1].map((half) => halves.map((one) => one[half]));
        return { tensors: [...perLevel('BCHW', cls, ['classes']), ...perLevel('BCHW', box, ['boxes'])] };
      },
    },
  ],
  [
    'a decoder that takes the best class',
    {
      build: joint((b, map, i) => {
        const [cls] = b.nodes('Split', [map, b.constant([3, EDGES], false)], { axis: 1 }, 2);
        b.node('ArgMax', [cls], { axis: 1, keepdims: 0 }, `best.${i}`);
        return b.node('ReduceMax', [b.node('Softmax', [cls], { axis: 1 })], { axes: [1], keepdims: 0 }, `most.${i}`);
      }),
    },
  ],
  [
    'an axis that is split and joined',
    {
      build: joint((b, map, i) => {
        const area = CELLS[i] ** 2;
        const apart = b.node('Reshape', [map, b.constant([1, 1, 3 + EDGES, area], false)]);
        const flat = b.node('Reshape', [apart, b.constant([1, (3 + EDGES) * area], false)]);
        return b.node('Reshape', [flat, b.constant([3 + EDGES, area], false)]);
      }),
    },
  ],
  [
    'an operator that is not known',
    {
      build: joint((b, map) => b.nodes('TopK', [map, b.constant([1], false, [1])], { axis: 1 }, 2)[0]),
    },
  ],
];

function built({ opset = 13, scores = 'logits', classes = OWN, build }: Head) {
  const b = new Builder(opset);
  const stem = (name: string, size: number) =>
    b.node('Relu', [
      b.node('Conv', ['images', b.weights(`${name}.weight`, [8, 3, size, size])], {
        kernel_shape: [size, size],
        strides: [size, size],
      }),
    ]);
  const { tensors, outputs = [] } = build(b, [stem('fine', 8), stem('coarse', 16)]);
  const names = [...new Set([...tensors.map(({ tensor }) => tensor), ...outputs])];
  const mapping: OnnxMapping = {
    input: { order: 'rgb', white: 1, mean: [0, 0, 0], deviation: [1, 1, 1] },
    ...{ strides, bins: BINS, centreOffset: 0.5, scores, tensors, classes },
  };
  return { model: b.encode({ images: [1, 3, SIDE, SIDE] }, names), mapping, outputs };
}

type Built = ReturnType<typeof built>;

const random = Random.of(3);
const IMAGE = Float32Array.from({ length: 3 * SIDE * SIDE }, () => random.normal());

async function run(given: Built) {
  const classes = given.mapping.classes as string[];
  const model = await OnnxModel.open({ ...given, classes, width: SIDE, height: SIDE });
  const outputs = await model.run(IMAGE, 1);
  await model.release();
  if (given.outputs.length > 0) {
    // What comes behind the mapping's tensors has to run, too.
    const session = await InferenceSession.create(given.model, { logSeverityLevel: 4 });
    await session.run({ images: new OnnxTensor('float32', IMAGE, [1, 3, SIDE, SIDE]) }, given.outputs);
    await session.release();
  }
  return outputs;
}

/** Logits of a class at all locations. */
function rowOf(logits: Float32Array, classes: number, channel: number): number[] {
  const area = CELLS[0] ** 2;
  return [...logits.slice(channel * area, (channel + 1) * area), logits[classes * area + channel]];
}

async function replaced(given: Built, classes: string[], options = {}) {
  const sizes = { width: SIDE, height: SIDE, seed: 2 };
  return { ...given, ...(await replaceClasses({ ...given, classes, ...sizes, ...options })) };
}

test.each(HEADS)('%s: ONNX Runtime runs the model with other classes', async (_, head) => {
  const given = built(head);
  const before = await run(given);
  const own = given.mapping.classes as string[];
  for (const classes of [['bird', 'cow', 'cat', 'fish'], ['thing']]) {
    const after = await run(await replaced(given, classes));
    for (const [i, value] of after.boxLogits.entries()) expect(value).toBeCloseTo(before.boxLogits[i], 5);
    for (const [channel, name] of classes.entries()) {
      const row = rowOf(after.classLogits, classes.length, channel);
      const known = own.indexOf(name);
      const old = known < 0 ? null : rowOf(before.classLogits, own.length, known);
      // Probabilities lose some digits.
      if (old) for (const [i, value] of row.entries()) expect(value).toBeCloseTo(old[i], 3);
      else for (const value of row) expect(value).toBeLessThan(-4);
    }
  }
});

test('new classes start from the prior, by the seed; the mapping may say which class is which', async () => {
  const given = built({ build: ofLevels((b, map, i) => b.convolution(`cls${i}`, map, [8, 3, 1])) });
  const before = await run(given);
  const classMap = { Kuh: 'cow', Hund: 1, Fisch: null };
  const options = { mapping: { ...given.mapping, classMap }, prior: 0.1 };
  const classes = ['Fisch', 'Kuh', 'Hund'];
  const first = await replaced(given, classes, options);
  expect(first.mapping).not.toHaveProperty('classMap');
  const { classLogits } = await run(first);
  for (const [channel, known] of [
    [1, 2],
    [2, 1],
  ]) {
    expect(rowOf(classLogits, 3, channel)).toEqual(rowOf(before.classLogits, 3, known));
  }
  for (const value of rowOf(classLogits, 3, 0)) expect(Math.abs(value + Math.log(9))).toBeLessThan(0.3);
  expect(await replaced(given, classes, options)).toEqual(first);
  expect((await replaced(given, classes, { ...options, seed: 3 })).model).not.toEqual(first.model);
});

const REFUSED: [string, Head, RegExp][] = [
  [
    'groups',
    {
      build: ofLevels((b, map, i) =>
        b.convolution(`cls${i}`, b.convolution(`wide${i}`, map, [8, 6, 1]), [6, 3, 1], { group: 3 }),
      ),
    },
    /class logits of stride 8 come out of a convolution of 3 groups .*Export/,
  ],
  [
    'a norm',
    { build: ofLevels((b, map, i) => b.batchNorm(`n${i}`, bare(b, map, i), 3)) },
    /are made by BatchNormalization \(node/,
  ],
  [
    'a sum of two',
    { build: ofLevels((b, map, i) => b.node('Add', [bare(b, map, i), b.convolution(`more${i}`, map, [8, 3, 1])])) },
    /are made by Add/,
  ],
  [
    'numbers of classes behind',
    { build: joint((b, map) => b.node('Mul', [map, b.weights('each', [3 + EDGES, 1, 1])])) },
    /operator Mul: one of its inputs has a number for each class/,
  ],
  [
    'layers behind',
    { build: joint((b, map, i) => b.convolution(`after${i}`, map, [3 + EDGES, 2, 1])) },
    /weights belong to the classes/,
  ],
  [
    'a slice of some classes',
    { opset: 9, build: joint((b, map) => b.node('Slice', [map], { axes: [1], starts: [1], ends: [3] })) },
    /takes 1 of the 3 classes apart/,
  ],
];

test.each(REFUSED)('%s: a model whose classes cannot be replaced is told', async (_, head, message) => {
  await expect(replaced(built(head), ['thing'])).rejects.toThrow(message);
});

test('names and numbers that cannot be are told', async () => {
  const given = built({ build: ofLevels(bare) });
  await expect(replaced(given, [])).rejects.toThrow(/classes: \[\]/);
  await expect(replaced(given, ['a', 'a'])).rejects.toThrow(/a stands there twice/);
  await expect(replaced(given, ['a'], { prior: 1 })).rejects.toThrow(/prior: 1/);
  const mapping = { ...given.mapping, classMap: { a: 3 } };
  await expect(replaced(given, ['a'], { mapping })).rejects.toThrow(/gives a the index 3; the model has 3/);
});
