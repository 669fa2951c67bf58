import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor as OnnxTensor } from 'onnxruntime-web';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { backward, Variable } from '../../../src/autograd/variable.js';
import { type StoredTensor, writeSafetensors } from '../../../src/data/safetensors.js';
import { GraphNet } from '../../../src/onnx/graph/graphNet.js';
import { readGraph } from '../../../src/onnx/graph/plan.js';
import { Random } from '../../../src/tensor/random.js';
import { edgewise } from '../../cli/cli.js';
import { sharedDevice } from '../../device.js';
import { nanodetLike } from './models.js';

const device = await sharedDevice();

let folder: string;
let model: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewise-graph-'));
  model = join(folder, 'model.onnx');
  await writeFile(model, nanodetLike(1).model);
});
afterAll(() => rm(folder, { recursive: true }));

interface Case {
  tensors: Map<string, StoredTensor>;
  metadata: Record<string, string>;
  norms: Record<string, number>;
}

/** A case whose outputs are those of ONNX Runtime; test/onnx/graph/graphNet.test.ts tests the gradients. */
async function caseOf(): Promise<Case> {
  const { model: bytes, outputs } = nanodetLike(1);
  const shape = [1, 3, 16, 16];
  const random = Random.of(9);
  const f32 = (extents: readonly number[], data: ArrayLike<number>): StoredTensor => ({
    dtype: 'F32',
    shape: [...extents],
    data: Float32Array.from(data),
  });
  const drawn = (size: number) => Float32Array.from({ length: size }, () => random.normal());
  const images = drawn(3 * 16 * 16);
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 4 });
  const found = await session.run({ images: new OnnxTensor('float32', images, shape) });
  await session.release();
  const tensors = new Map([['input.images', f32(shape, images)]]);
  const net = new GraphNet(device, await readGraph(bytes));
  const computed = net.forward({ images: new Variable(device.tensor(images, shape)) }, { training: true });
  const seeds = outputs.map((name) => {
    const data = found[name].data as Float32Array;
    const cotangent = drawn(data.length);
    tensors.set(`output.${name}`, f32(found[name].dims, data));
    tensors.set(`cotangent.${name}`, f32(found[name].dims, cotangent));
    return { variable: computed.get(name)!, gradient: device.tensor(cotangent, found[name].dims) };
  });
  backward(seeds);
  const gradients = net.parameters.split((await net.parameters.gradients.read()) as Float32Array);
  net.dispose();
  const stem = gradients.get('stem.weight')!;
  tensors.set('grad.stem.weight', f32(stem.shape, stem.data));
  const norms = Object.fromEntries(
    [...gradients].map(([name, { data }]) => [name, Math.hypot(...(data as Float32Array))]),
  );
  return {
    tensors,
    norms,
    metadata: { head: 'onnx-graph', model: 'model.onnx', gradientNorms: JSON.stringify(norms) },
  };
}

async function written(name: string, change: (golden: Case) => void = () => {}): Promise<string> {
  const golden = await caseOf();
  change(golden);
  const path = join(folder, `${name}.safetensors`);
  await writeSafetensors(path, golden.tensors, golden.metadata);
  return path;
}

test('verify compares outputs, gradients and all norms with a case of an ONNX model', async () => {
  const { code, stdout, stderr } = await edgewise(['verify', await written('right'), '--model', model]);
  expect([code, stderr]).toEqual([0, '']);
  for (const name of ['output scores', 'output distances', 'gradient of stem.weight', 'norms of 14 gradients']) {
    expect(stdout).toMatch(new RegExp(`^ {2}${name} .* passed$`, 'm'));
  }
  expect(stdout).toMatch(/1 case passed\n$/);
});

test('a case that does not agree fails, and names what', async () => {
  const path = await written('wrong', (golden) => {
    golden.norms['unit2.weight'] *= 1.002;
    golden.metadata.gradientNorms = JSON.stringify(golden.norms);
    golden.tensors.get('output.scores')!.data[3] = 0.9;
  });
  const { code, stdout } = await edgewise(['verify', path, '--model', model]);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^ {2}output scores .* FAILED$/m);
  expect(stdout).toMatch(/^ {2}output distances .* passed$/m);
  expect(stdout).toMatch(/^ {2}1 of 14 gradients' norms, norm of the gradient of unit2\.weight .* FAILED$/m);
});

test.each<[string, (golden: Case) => void, RegExp]>([
  [
    'no cotangent',
    ({ tensors }) => tensors.delete('cotangent.scores'),
    /tensor cotangent\.scores is missing; expected \[1,16,2\]/,
  ],
  ['no norms', ({ metadata }) => delete metadata.gradientNorms, /metadata gradientNorms is missing/],
  [
    'another output',
    ({ tensors }) => {
      for (const part of ['output', 'cotangent']) tensors.set(`${part}.nothing`, tensors.get(`${part}.scores`)!);
    },
    /model\.onnx has no tensor nothing/,
  ],
  [
    'another size',
    ({ tensors }) => tensors.set('input.images', { dtype: 'F32', shape: [1, 3, 2, 2], data: new Float32Array(12) }),
    /its input images is \[1, 3, 16, 16\], not \[1, 3, 2, 2\]/,
  ],
])('a case with %s is one clear line', async (name, change, message) => {
  const { code, stderr } = await edgewise(['verify', await written(name.replace(' ', '-'), change), '--model', model]);
  expect([code, stderr]).toEqual([1, expect.stringMatching(message)]);
});

test('verify says when --model is missing or not needed', async () => {
  const missing = await edgewise(['verify', await written('alone')]);
  expect(missing.stderr).toMatch(/is a case of an ONNX model; give that with --model FILE\.onnx/);
  const needless = await edgewise(['verify', 'test/golden/small-bins.safetensors', '--model', model]);
  expect(needless.stderr).toMatch(/--model is for golden cases of an ONNX model; none of these is one/);
});
