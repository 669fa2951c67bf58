import { onnx } from 'onnx-proto';
import { expect, test } from 'vitest';
import type { OnnxMapping } from '../../src/onnx/mapping.js';
import { OnnxModel } from '../../src/onnx/model.js';
import type { OnnxRuntime, OnnxSession, OnnxTensor } from '../../src/onnx/runtime.js';
import { InputError } from '../../src/util/error.js';

const MAPPING: OnnxMapping = {
  input: { order: 'rgb', white: 1, mean: [0, 0, 0], deviation: [1, 1, 1] },
  strides: [8],
  bins: 2,
  centreOffset: 0,
  scores: 'logits',
  tensors: [{ tensor: 'out', axes: 'BCHW', strides: [8], channels: ['classes', 'boxes'] }],
  classes: ['a'],
};
/** Of a model whose session is made up below. */
const BYTES = onnx.ModelProto.encode({ graph: { name: 'g', output: [{ name: 'out' }] } }).finish();

/** A runtime whose session has these inputs, and gives this for every run. */
function runtimeOf(
  inputs: Record<string, OnnxSession['inputMetadata'][number]>,
  out: () => OnnxTensor | undefined = () => ({
    type: 'float32',
    dims: [1, 9, 1, 1],
    data: new Float32Array(9).fill(-1),
  }),
) {
  const options: unknown[] = [];
  const session: OnnxSession = {
    inputNames: Object.keys(inputs),
    inputMetadata: Object.values(inputs),
    run: async () => ({ out: out() as OnnxTensor }),
    release: async () => undefined,
  };
  const runtime: OnnxRuntime = {
    InferenceSession: {
      create: async (_, given) => {
        options.push(given);
        return session;
      },
    },
    Tensor: class {
      constructor(
        readonly type: 'float32',
        readonly data: Float32Array,
        readonly dims: readonly number[],
      ) {}
    },
  };
  return { runtime, options };
}

const open = ({ runtime }: ReturnType<typeof runtimeOf>, change: Partial<OnnxMapping['input']> = {}) =>
  OnnxModel.open({
    model: BYTES,
    name: 'm.onnx',
    mapping: { ...MAPPING, input: { ...MAPPING.input, ...change } },
    classes: ['a'],
    width: 8,
    height: 8,
    runtime,
  });
const tensor = (type: string, ...shape: (number | string)[]) => ({ isTensor: true, type, shape }) as const;
const images = new Float32Array(3 * 8 * 8);

test.each([
  ['any batch', ['n', 3, 8, 8]],
  ['any size', ['n', 3, 'h', 'w']],
  ['all open', [-1, -1, -1, -1]],
])('a model of %s runs, and is asked for no warnings', async (_, shape) => {
  const { runtime, options } = runtimeOf({ x: tensor('float32', ...shape) });
  const model = await open({ runtime, options });
  expect((await model.run(images, 1)).classLogits).toEqual(Float32Array.of(-1));
  expect(options).toEqual([{ logSeverityLevel: 4 }]);
});

const ok = tensor('float32', 1, 3, 8, 8);
test.each<[string, Parameters<typeof runtimeOf>[0], string | undefined, RegExp]>([
  [
    'float16',
    { x: tensor('float16', 1, 3, 8, 8) },
    undefined,
    /input x is float16 \[1,3,8,8\]; expected float32 \[batch/,
  ],
  ['uint8', { x: tensor('uint8', 1, 3, 8, 8) }, undefined, /m\.onnx: input x is uint8 .*needs a Cast or Transpose/],
  [
    'channels last',
    { x: tensor('float32', 1, 8, 8, 3) },
    undefined,
    /has the shape \[1,8,8,3\]; expected \[batch, 3, /,
  ],
  ['grey images', { x: tensor('float32', 1, 1, 8, 8) }, undefined, /has the shape \[1,1,8,8\]; expected \[batch, 3/],
  ['one image without batch', { x: tensor('float32', 3, 8, 8) }, undefined, /is float32 \[3,8,8\]; expected/],
  ['another size', { x: tensor('float32', 1, 3, 8, 16) }, undefined, /\[1,3,8,16\]; the images are 3 channels of 8×8/],
  ['a sequence', { x: { isTensor: false } }, undefined, /input x is no tensor/],
  ['several inputs', { x: ok, scale: ok }, undefined, /has the inputs x, scale; expected one, the images: correct/],
  ['no input', {}, undefined, /has the inputs \(none\); expected one/],
  ['another name', { x: ok }, 'images', /has the inputs x; expected images: correct input\.name of the mapping/],
])('a model of %s is refused', async (_, inputs, name, message) => {
  const opened = open(runtimeOf(inputs), name === undefined ? {} : { name });
  await expect(opened).rejects.toThrow(message);
  await expect(opened).rejects.toThrow(InputError);
});

test.each<[string, () => OnnxTensor | undefined, RegExp]>([
  [
    'float16',
    () => ({ type: 'float16', dims: [1, 9, 1, 1], data: new Uint16Array(9) }),
    /m\.onnx: out is float16; export/,
  ],
  ['a sequence', () => [] as unknown as OnnxTensor, /out is no tensor; export the model with float32 outputs/],
  ['nothing', () => undefined, /out is no tensor/],
  [
    'an error of ONNX Runtime',
    () => {
      throw new Error('Got invalid dimensions\n  Please fix the model.\n');
    },
    /^m\.onnx: ONNX Runtime cannot run it \(Got invalid dimensions; Please fix the model\.\)\.$/,
  ],
])('an output of %s is refused', async (_, out, message) => {
  const model = await open(runtimeOf({ x: ok }, out));
  await expect(model.run(images, 1)).rejects.toThrow(message);
  await expect(model.run(images, 1)).rejects.toThrow(InputError);
});
