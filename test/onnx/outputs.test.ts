import { onnx } from 'onnx-proto';
import * as runtime from 'onnxruntime-web';
import { beforeAll, expect, test, vi } from 'vitest';
import { detectorConfig } from '../../src/detector/config.js';
import { convolutionsOf } from '../../src/detector/detector.js';
import { resolveRecipe } from '../../src/losses/recipe.js';
import { exportOnnx } from '../../src/onnx/export.js';
import type { OnnxMapping } from '../../src/onnx/mapping.js';
import { OnnxModel } from '../../src/onnx/model.js';
import { fixedSizeOf, withOutputs } from '../../src/onnx/outputs.js';
import { ofFamily } from './families.js';

const SIZE = { width: 64, height: 32 };
const config = detectorConfig({ size: 'tiny', classes: 3, ...SIZE });
const NAMES = ['a', 'b', 'c'];

let model: Uint8Array;
beforeAll(async () => {
  // Names and shapes are all that matters here: every weight is 0.
  const weights = new Map<string, { shape: number[]; data: Float32Array }>();
  const put = (name: string, shape: number[]) =>
    weights.set(name, { shape, data: new Float32Array(shape.reduce((a, b) => a * b)) });
  for (const { name, inputs, outputs, kernel, bias } of convolutionsOf(config)) {
    put(`${name}.weight`, [outputs, inputs, kernel, kernel]);
    if (bias !== undefined) put(`${name}.bias`, [outputs]);
    const norm = name.replace(/\.conv$/, '.norm');
    for (const part of ['scale', 'shift']) put(`${norm}.${part}`, [outputs]);
  }
  put('head.levelScales', [3]);
  const classes = NAMES.map((name, id) => ({ id, name }));
  model = await exportOnnx({ detector: config, recipe: resolveRecipe('gfocal'), classes, weights });
});

test('tensors inside a model become outputs; the file before them is as it was', async () => {
  const { model: inner } = ofFamily(model, 'yolov8', config);
  const before = onnx.ModelProto.decode(inner).graph?.output?.map(({ name }) => name);
  expect(before).toEqual(['boxes']);
  const whole = await withOutputs(inner, ['head_8', 'boxes', 'head_16', 'head_8'], 'm');
  expect(Buffer.compare(whole.subarray(0, inner.length), inner)).toBe(0);
  const session = await runtime.InferenceSession.create(whole);
  expect(session.outputNames).toEqual(['boxes', 'head_8', 'head_16']);
  await session.release();
  expect(await withOutputs(inner, ['boxes'], 'm')).toBe(inner);
});

test('a tensor that is not there is named, with those that are', async () => {
  await expect(withOutputs(model, ['head_8'], 'm.onnx')).rejects.toThrow(
    /m\.onnx has no tensor head_8; its outputs are class_logits_8, box_logits_8.*its last nodes make/,
  );
});

test('what is no model is refused', async () => {
  const text = new TextEncoder().encode('{"no": "model"}');
  await expect(withOutputs(text, ['x'], 'm.onnx')).rejects.toThrow(/m\.onnx is no ONNX model, or cut short/);
  await expect(withOutputs(model.subarray(0, model.length / 2), ['x'], 'm')).rejects.toThrow(/cut short/);
});

test("a model's size is found where it is fixed", async () => {
  expect(await fixedSizeOf(model, 'm')).toEqual(SIZE);
  const open = onnx.ModelProto.decode(model);
  open.graph!.input![0].type!.tensorType!.shape!.dim![3] = { dimParam: 'width' };
  expect(await fixedSizeOf(onnx.ModelProto.encode(open).finish(), 'm')).toBe(null);
});

/** Opens the model as a family's, with a mapping that is changed. */
function open(change: Partial<OnnxMapping>, size = SIZE) {
  const { model: inner, mapping } = ofFamily(model, 'gfocal', config);
  return OnnxModel.open({
    model: inner,
    mapping: { ...mapping, classes: NAMES, ...change },
    classes: NAMES,
    ...size,
    runtime,
  });
}

test('a mapping that does not fit the model is refused with what was found and what was expected', async () => {
  const input = { ...ofFamily(model, 'gfocal', config).mapping.input, name: 'pixels' };
  await expect(open({ input })).rejects.toThrow(/has the inputs x; expected pixels/);
  await expect(open({}, { width: 96, height: 32 })).rejects.toThrow(/input x has the shape \[n,3,32,64\].*96×32/);
  const images = new Float32Array(3 * SIZE.width * SIZE.height);
  const wrong = await open({ bins: 16 });
  await expect(wrong.run(images, 1)).rejects.toThrow(
    /box_logits_8: shape \[1, 68, 4, 8\]; BCHW of boxes \(64 channels\) at strides 8 of 64×32 pixels is \[1, 64, 4, 8\]/,
  );
  await wrong.release();
});

test('without ONNX Runtime, the command that installs it', async () => {
  vi.resetModules();
  vi.doMock('onnxruntime-web', () => {
    throw Object.assign(new Error("Cannot find package 'onnxruntime-web'"), { code: 'ERR_MODULE_NOT_FOUND' });
  });
  const { loadRuntime } = await import('../../src/onnx/runtime.js');
  await expect(loadRuntime()).rejects.toThrow(/an ONNX model needs ONNX Runtime.*npm install onnxruntime-web/);
  vi.doUnmock('onnxruntime-web');
});
