import { InferenceSession, Tensor as OnnxTensor } from 'onnxruntime-web';
import { expect, test } from 'vitest';
import { backward, Variable } from '../../../src/autograd/variable.js';
import { GraphNet } from '../../../src/onnx/graph/graphNet.js';
import { partsOf } from '../../../src/onnx/graph/parts.js';
import { readGraph } from '../../../src/onnx/graph/plan.js';
import { Random } from '../../../src/tensor/random.js';
import { sharedDevice } from '../../device.js';
import { attentionLike, Builder, gfocalLike, nanodetLike, picodetLike, type SmallModel, yoloLike } from './models.js';

const device = await sharedDevice();

/** Half the distance of a central difference. */
const STEP = 3e-4;

const MODELS: [string, () => SmallModel][] = [
  ['NanoDet', () => nanodetLike('batch')],
  ['YOLOv8', yoloLike],
  ['PicoDet', picodetLike],
  ['GFocal', gfocalLike],
  ['attention', attentionLike],
];

function drawn(shape: readonly number[], seed: number): Float32Array<ArrayBuffer> {
  const random = Random.of(seed);
  return Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal());
}

/** Largest difference, relative to the largest value. */
function worst(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let [most, largest] = [0, 1e-30];
  for (let i = 0; i < expected.length; i++) {
    most = Math.max(most, Math.abs(actual[i] - expected[i]));
    largest = Math.max(largest, Math.abs(expected[i]));
  }
  return most / largest;
}

async function runtimes({ model, input, shape, outputs }: SmallModel, values: Float32Array) {
  const session = await InferenceSession.create(model, { logSeverityLevel: 4 });
  const found = await session.run({ [input]: new OnnxTensor('float32', values, shape) }, outputs);
  await session.release();
  return found;
}

test.each(MODELS)('%s: the outputs are those of ONNX Runtime, with and without gradients', async (_, make) => {
  const small = make();
  const { model, input, shape, outputs } = small;
  const values = drawn(shape, 3);
  const expected = await runtimes(small, values);
  const net = new GraphNet(device, await readGraph(model, { shapes: { [input]: shape }, outputs }));
  for (const training of [false, true]) {
    const given = new Variable(device.tensor(values, shape));
    const found = net.forward({ [input]: given }, { training });
    expect([...found.keys()]).toEqual(outputs);
    for (const [name, { value }] of found) {
      expect(value.shape).toEqual(expected[name].dims);
      expect(worst(await value.read(), expected[name].data as Float32Array)).toBeLessThan(1e-4);
    }
    if (!training) for (const { value } of found.values()) value.dispose();
    given.value.dispose();
  }
  net.dispose();
});

test('a model of one image gives for a batch what it gives for each image', async () => {
  const { model, outputs } = nanodetLike(1);
  const shape = [2, 3, 16, 16];
  const values = drawn(shape, 5);
  const net = new GraphNet(device, await readGraph(model, { shapes: { images: shape } }));
  const found = net.forward({ images: new Variable(device.tensor(values, shape)) });
  for (const image of [0, 1]) {
    const part = values.slice(image * 768, (image + 1) * 768);
    const expected = await runtimes({ model, outputs, input: 'images', shape: [1, 3, 16, 16] }, part);
    for (const [name, { value }] of found) {
      const all = await value.read();
      const half = all.slice((image * all.length) / 2, ((image + 1) * all.length) / 2);
      expect(worst(half, expected[name].data as Float32Array)).toBeLessThan(1e-4);
    }
  }
  expect(() => net.forward({})).toThrow(/inputs: images is missing; model was read for \[2,3,16,16\]/);
  net.dispose();
});

test('inference gives all memory back but its outputs', async () => {
  const { model, outputs } = yoloLike();
  const net = new GraphNet(device, await readGraph(model, { outputs }));
  const images = new Variable(device.tensor(drawn([1, 3, 16, 16], 6), [1, 3, 16, 16]));
  const work = () => {
    for (const { value } of net.forward({ images }).values()) value.dispose();
  };
  work();
  await device.settled();
  const before = device.pool.usedBytes;
  for (let i = 0; i < 3; i++) work();
  await device.settled();
  expect(device.pool.usedBytes).toBe(before);
  net.dispose();
});

test.each(MODELS)(
  '%s: gradients of parts that are computed again have the same bits, and less is held',
  async (_, make) => {
    const { model, input, shape, outputs } = make();
    const graph = await readGraph(model, { shapes: { [input]: shape }, outputs });
    const net = new GraphNet(device, graph);
    const pass = async (recompute: boolean) => {
      const before = device.pool.usedBytes;
      const images = new Variable(device.tensor(drawn(shape, 3), shape));
      net.parameters.zeroGradients();
      const found = [...net.forward({ [input]: images }, { training: true, recompute }).values()];
      const bytes = device.pool.usedBytes - before;
      const values = await Promise.all(found.map(({ value }) => value.read()));
      const seeds = found.map((variable, i) => {
        const { shape: own } = variable.value;
        return { variable, gradient: device.tensor(drawn(own, 7 + i), own) };
      });
      backward(seeds);
      const gradients = await net.parameters.gradients.read();
      for (const { gradient } of seeds) gradient.dispose();
      images.value.dispose();
      return { bytes, values, gradients, left: device.pool.usedBytes - before };
    };
    const [plain, again] = [await pass(false), await pass(true)];
    expect(again.values).toEqual(plain.values);
    expect(again.gradients).toEqual(plain.gradients);
    expect(again.left).toBe(plain.left);
    expect(again.bytes).toBeLessThan(plain.bytes);
    net.dispose();
  },
);

test('parts are cut where one tensor is left, cover the graph in order, and keep the order of sums', async () => {
  for (const [, make] of MODELS) {
    const { model, input, shape, outputs } = make();
    const graph = await readGraph(model, { shapes: { [input]: shape }, outputs });
    const parts = partsOf(graph);
    expect(parts.flatMap(({ steps }) => steps)).toEqual(graph.steps);
    const takers = new Map<string, number>();
    for (const edge of [...graph.steps.flatMap(({ inputs }) => inputs), ...graph.outputs.map(({ edge }) => edge)]) {
      takers.set(edge, (takers.get(edge) ?? 0) + 1);
    }
    for (const { steps, outputs: results, inputs } of parts.filter((part) => part.steps.length > 1)) {
      expect(results).toHaveLength(1);
      for (const edge of steps.flatMap((step) => step.inputs)) {
        const own = steps.flatMap((step) => step.inputs).filter((one) => one === edge).length;
        if ((takers.get(edge) ?? 0) >= 3) expect(own).toBe(takers.get(edge));
      }
      const made = new Set(steps.flatMap((step) => step.outputs));
      expect(inputs.some((edge) => made.has(edge))).toBe(false);
    }
  }
});

test('training holds what gradients read, and no more', async () => {
  const b = new Builder(17);
  const turned = b.node('Transpose', [b.convolution('first', 'x', [4, 4, 1])], { perm: [0, 1, 3, 2] });
  const sum = b.node('Add', [turned, b.convolution('second', 'x', [4, 4, 1])]);
  b.node('LeakyRelu', [b.convolution('last', sum, [4, 4, 1])], { alpha: { float: 0.1 } }, 'out');
  const graph = await readGraph(b.encode({ x: [1, 4, 16, 16] }, ['out']));
  const net = new GraphNet(device, graph);
  const x = new Variable(device.tensor(drawn([1, 4, 16, 16], 8), [1, 4, 16, 16]));
  const before = device.pool.usedBytes;
  const out = net.forward({ x }, { training: true }).get('out')!;
  // The input of the last convolution and its result, 4 · 16 · 16 numbers each; not what the sum was made of.
  expect(device.pool.usedBytes - before).toBe(2 * 4096);
  backward({ variable: out, gradient: device.tensor(drawn([1, 4, 16, 16], 9), [1, 4, 16, 16]) });
  expect((await net.parameters.get('first.weight').gradient!.read()).every(Number.isFinite)).toBe(true);
  net.dispose();
});

test.each(MODELS)('%s: the gradients of all parameters are central differences of ONNX Runtime', async (_, make) => {
  const small = make();
  const { input, shape, outputs } = small;
  const values = drawn(shape, 4);
  const graph = await readGraph(small.model, { shapes: { [input]: shape }, outputs });
  const net = new GraphNet(device, graph);
  const found = net.forward({ [input]: new Variable(device.tensor(values, shape)) }, { training: true });
  const cotangents = [...found].map(([, { value }], i) => drawn(value.shape, 7 + i));
  backward(
    [...found.values()].map((variable, i) => ({
      variable,
      gradient: device.tensor(cotangents[i], variable.value.shape),
    })),
  );
  const gradients = net.parameters.split((await net.parameters.gradients.read()) as Float32Array);
  net.dispose();

  // Along the gradient, where the loss changes most, and a direction at random, where it must not change otherwise.
  for (const [place, { name, shape: own, data }] of graph.parameters.entries()) {
    const gradient = gradients.get(name)!.data;
    const norm = Math.hypot(...gradient);
    const random = drawn(own, 20 + place);
    const away = Math.hypot(...random);
    const direction = gradient.map((value, i) => value / norm + random[i] / away);
    const analytic = gradient.reduce((sum, value, i) => sum + value * direction[i], 0);
    const bytes = findBytes(small.model, data);
    const at = (side: number) => {
      const model = small.model.slice();
      model.set(new Uint8Array(data.map((value, i) => value + side * STEP * direction[i]).buffer), bytes);
      return runtimeLoss({ ...small, model }, values, cotangents);
    };
    const numeric = ((await at(1)) - (await at(-1))) / (2 * STEP);
    expect(Math.abs(numeric - analytic), name).toBeLessThan(2e-2 * norm + 1e-2);
    // Kinks of ReLU, and rounding of f32 outputs.
    expect(Math.abs(numeric - analytic), name).toBeLessThan(2e-2 * norm + 1e-2);
  }
});

async function runtimeLoss(small: SmallModel, values: Float32Array, cotangents: Float32Array[]): Promise<number> {
  const computed = await runtimes(small, values);
  return small.outputs.reduce((sum, name, i) => {
    const data = computed[name].data as Float32Array;
    return data.reduce((total, value, j) => total + value * cotangents[i][j], sum);
  }, 0);
}

/** Where a parameter's values lie in the file. */
function findBytes(model: Uint8Array, data: Float32Array): number {
  const at = Buffer.from(model).indexOf(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  expect(at).toBeGreaterThan(0);
  return at;
}
