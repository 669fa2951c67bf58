import type { OnnxMapping } from '../../../src/onnx/mapping.js';
import { Builder } from './models.js';

/** A small detector as an exporter writes it, with the mapping that explains it. */
export interface StudentModel {
  model: Uint8Array;
  mapping: OnnxMapping;
  /** Parameters of each kind that is trained: an idiom that is no longer read would miss here. */
  parameters: string[];
}

/** Pixels of a side. */
export const SIDE = 32;
export const CLASSES = ['cat', 'dog', 'cow'];
const BINS = 4;
const STRIDES = [8, 16];
const INPUT: OnnxMapping['input'] = { order: 'rgb', white: 1, mean: [0, 0, 0], deviation: [1, 1, 1] };
const BASE = { strides: STRIDES, bins: BINS, centreOffset: 0.5, classes: CLASSES };

type Size = [number, number, number];

/** In the manner of YOLOv8, for one image: C2f, SPPF, SiLU, nearest Resize, boxes and classes in a tensor a level, and all of its decoder. */
export function yoloStudent(): StudentModel {
  const b = new Builder(17);
  const block = (name: string, x: string, size: Size, stride = 1) => {
    const y = b.convolution(name, x, size, { stride });
    return b.node('Mul', [y, b.node('Sigmoid', [y])]);
  };
  const c2f = (name: string, x: string, inputs: number) => {
    const split = b.constant([4, 4], false);
    const [left, right] = b.nodes('Split', [block(`${name}.1`, x, [inputs, 8, 1]), split], { axis: 1 }, 2);
    const inner = b.node('Add', [right, block(`${name}.3`, block(`${name}.2`, right, [4, 4, 3]), [4, 4, 3])]);
    return block(`${name}.4`, b.node('Concat', [left, right, inner], { axis: 1 }), [12, 8, 1]);
  };
  const stem = block('stem2', block('stem1', 'images', [3, 8, 3], 2), [8, 8, 3], 2);
  const p3 = c2f('p3', block('down3', stem, [8, 8, 3], 2), 8);
  const pool = (x: string) =>
    b.node('MaxPool', [x], { kernel_shape: [5, 5], pads: [2, 2, 2, 2], strides: [1, 1], dilations: [1, 1] });
  const first = block('sppf1', block('down4', p3, [8, 8, 3], 2), [8, 4, 1]);
  const [second, third] = [pool(first), pool(pool(first))];
  const p4 = block('sppf2', b.node('Concat', [first, second, third, pool(third)], { axis: 1 }), [16, 8, 1]);
  const attributes = { coordinate_transformation_mode: 'asymmetric', mode: 'nearest', nearest_mode: 'floor' };
  const up = b.node('Resize', [p4, '', b.floats('scales', [4], [1, 1, 2, 2])], attributes);
  const levels = [c2f('merge', b.node('Concat', [up, p3], { axis: 1 }), 16), p4];

  const maps = levels.map((map, i) => {
    const box = b.convolution(`box${i}.2`, block(`box${i}.1`, map, [8, 8, 3]), [8, 4 * BINS, 1]);
    const cls = b.convolution(`cls${i}.2`, block(`cls${i}.1`, map, [8, 8, 3]), [8, CLASSES.length, 1]);
    return b.node('Concat', [box, cls], { axis: 1 }, `head.${STRIDES[i]}`);
  });
  // Ultralytics' decoder.
  const channels = 4 * BINS + CLASSES.length;
  const flat = maps.map((map) => b.node('Reshape', [map, b.constant([1, channels, -1], false)]));
  const all = b.node('Concat', flat, { axis: 2 });
  const split = b.constant([4 * BINS, CLASSES.length], false);
  const [box, cls] = b.nodes('Split', [all, split], { axis: 1 }, 2);
  const cells = STRIDES.reduce((sum, stride) => sum + (SIDE / stride) ** 2, 0);
  const bins = b.node('Reshape', [box, b.constant([1, 4, BINS, cells], false)]);
  const softmax = b.node('Softmax', [b.node('Transpose', [bins], { perm: [0, 2, 1, 3] })], { axis: 1 });
  const expected = b.node('Conv', [softmax, b.floats('dfl', [1, BINS, 1, 1], [0, 1, 2, 3])], { kernel_shape: [1, 1] });
  const edges = b.node('Reshape', [expected, b.constant([1, 4, cells], false)]);
  const part = (from: number, to: number) =>
    b.node('Slice', [edges, ...[from, to, 1].map((one) => b.constant([one], false, [1]))]);
  const anchors = b.constant(
    Array.from({ length: 2 * cells }, (_, i) => i % 5),
    true,
    [1, 2, cells],
  );
  const corners = [b.node('Sub', [anchors, part(0, 2)]), b.node('Add', [anchors, part(2, 4)])];
  const boxes = b.node('Mul', [b.node('Concat', corners, { axis: 1 }), b.constant([8])]);
  b.node('Concat', [boxes, b.node('Sigmoid', [cls])], { axis: 1 }, 'output0');
  const tensors = STRIDES.map((stride) => ({
    ...{ tensor: `head.${stride}`, axes: 'BCHW' as const, strides: [stride] },
    channels: ['boxes' as const, 'classes' as const],
  }));
  return {
    model: b.encode({ images: [1, 3, SIDE, SIDE] }, ['output0'], {
      output0: [1, 4 + CLASSES.length, cells],
      'head.8': [1, channels, SIDE / 8, SIDE / 8],
    }),
    mapping: { ...BASE, input: INPUT, scores: 'logits', tensors },
    parameters: ['stem1.weight', 'p3.3.bias', 'cls0.2.weight', 'box1.2.bias'],
  };
}

/**
 * In the manner of PicoDet, for any batch: HardSwish written out, squeeze and excitation, 5×5 depthwise convolutions, batch norms, one
 * convolution for classes and boxes (Split, or Slice), probabilities, shapes that are computed, and weights in nodes.
 */
export function picodetStudent(): StudentModel {
  const b = new Builder(11, { initializers: false });
  const swish = (x: string) => {
    const clipped = b.node('Clip', [b.node('Add', [x, b.constant([3])]), b.constant([0]), b.constant([6])]);
    return b.node('Div', [b.node('Mul', [x, clipped]), b.constant([6])]);
  };
  const normed = (name: string, x: string, size: Size, options = {}) =>
    swish(b.batchNorm(`${name}.norm`, b.convolution(name, x, size, { ...options, bias: false }), size[1]));
  const squeeze = (name: string, x: string) => {
    const small = b.node('Relu', [b.convolution(`${name}.1`, b.node('GlobalAveragePool', [x]), [8, 4, 1])]);
    const gate = { alpha: { float: 1 / 6 }, beta: { float: 0.5 } };
    return b.node('Mul', [x, b.node('HardSigmoid', [b.convolution(`${name}.2`, small, [4, 8, 1])], gate)]);
  };
  const stem = normed('stem2', normed('stem1', 'images', [3, 8, 3], { stride: 2 }), [8, 8, 3], { stride: 2 });
  const unit = (name: string, x: string) =>
    squeeze(`${name}.se`, normed(`${name}.1`, normed(`${name}.dw`, x, [8, 8, 5], { stride: 2, group: 8 }), [8, 8, 1]));
  const p3 = unit('p3', stem);
  const levels = [p3, unit('p4', p3)];
  const outputs = levels.flatMap((map, i) => {
    const tower = normed(`head${i}.dw`, map, [8, 8, 5], { group: 8 });
    const both = b.convolution(`head${i}`, tower, [8, CLASSES.length + 4 * BINS, 1]);
    const part = (from: number, to: number) =>
      b.node('Slice', [both, ...[from, to, 1].map((one) => b.constant([one], false, [1]))]);
    const [cls, box] =
      i === 0
        ? b.nodes('Split', [both], { axis: 1, split: [CLASSES.length, 4 * BINS] }, 2, 'split')
        : [part(0, CLASSES.length), part(CLASSES.length, 2 ** 40)];
    const batch = b.node('Gather', [b.node('Shape', [map]), b.constant([0], false)], { axis: 0 });
    const one = b.node('Unsqueeze', [batch], { axes: [0] });
    const rows = (x: string, channels: number, name: string) => {
      const parts = [one, ...[channels, -1].map((extent) => b.constant([extent], false, [1]))];
      const flat = b.node('Reshape', [x, b.node('Concat', parts, { axis: 0 })]);
      return b.node('Transpose', [flat], { perm: [0, 2, 1] }, name);
    };
    const stride = STRIDES[i];
    return [rows(b.node('Sigmoid', [cls]), CLASSES.length, `scores.${stride}`), rows(box, 4 * BINS, `edges.${stride}`)];
  });
  const tensors = STRIDES.flatMap((stride) => [
    { tensor: `scores.${stride}`, axes: 'BAC' as const, strides: [stride], channels: ['classes' as const] },
    { tensor: `edges.${stride}`, axes: 'BAC' as const, strides: [stride], channels: ['boxes' as const] },
  ]);
  return {
    model: b.encode({ images: ['batch', 3, SIDE, SIDE] }, outputs, {
      'scores.8': ['batch', (SIDE / 8) ** 2, CLASSES.length],
      'split.0': ['batch', CLASSES.length, SIDE / 8, SIDE / 8],
    }),
    mapping: {
      ...BASE,
      ...{ scores: 'probabilities', tensors },
      input: { order: 'bgr', white: 255, mean: [103.53, 116.28, 123.675], deviation: [57.375, 57.12, 58.395] },
    },
    parameters: ['stem1.norm.scale', 'p3.dw.weight', 'p4.se.2.bias', 'head0.weight'],
  };
}

/**
 * In the manner of a GFocal head on ResNet-18, for any batch: 7×7 of stride 2, batch norms, a pyramid, towers that all levels share with
 * group norms as exporters write them, a scale a level, and boxes with channels last.
 */
export function gfocalStudent(): StudentModel {
  const b = new Builder(13);
  const normed = (name: string, x: string, size: Size, stride = 1) =>
    b.batchNorm(`${name}.norm`, b.convolution(name, x, size, { stride, bias: false }), size[1]);
  const residual = (name: string, x: string) => {
    const long = normed(`${name}.2`, b.node('Relu', [normed(`${name}.1`, x, [8, 8, 3], 2)]), [8, 8, 3]);
    return b.node('Relu', [b.node('Add', [long, normed(`${name}.short`, x, [8, 8, 1], 2)])]);
  };
  const stem = b.node('Relu', [normed('stem', 'images', [3, 8, 7], 2)]);
  const pooled = b.node('MaxPool', [stem], { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2] });
  const c3 = residual('c3', pooled);
  const lateral4 = b.convolution('lateral4', residual('c4', c3), [8, 8, 1]);
  const attributes = { coordinate_transformation_mode: 'asymmetric', mode: 'nearest', nearest_mode: 'floor' };
  const up = b.node('Resize', [lateral4, '', b.floats('scales', [4], [1, 1, 2, 2])], attributes);
  const features = [b.node('Add', [b.convolution('lateral3', c3, [8, 8, 1]), up], {}, 'fpn.8'), lateral4];

  const weight = b.weights('tower.weight', [8, 8, 3, 3]);
  const conv = (x: string, parts: string[], pad: number) =>
    b.node('Conv', [x, ...parts], { pads: [pad, pad, pad, pad] });
  const outputs = features.flatMap((map, i) => {
    const tower = conv(map, [weight], 1);
    const grouped = b.node('Reshape', [tower, b.constant([0, 4, -1], false)]);
    const [one, none] = [b.constant([1, 1, 1, 1]), b.constant([0, 0, 0, 0])];
    const normal = b.node('InstanceNormalization', [grouped, one, none], { epsilon: { float: 1e-5 } });
    const back = b.node('Reshape', [normal, b.node('Shape', [tower])]);
    const scaled = b.node('Mul', [back, b.weights('gn.scale', [8, 1, 1], 30, 1)]);
    const active = b.node('Relu', [b.node('Add', [scaled, b.weights('gn.shift', [8, 1, 1], 30)])]);
    const stride = STRIDES[i];
    const cls = [b.weights('cls.weight', [CLASSES.length, 8, 3, 3]), b.weights('cls.bias', [CLASSES.length], 16)];
    const scores = b.node('Identity', [conv(active, cls, 1)], {}, `scores.${stride}`);
    const box = [b.weights('box.weight', [4 * BINS, 8, 3, 3]), b.weights('box.bias', [4 * BINS], 16)];
    const edges = b.node('Mul', [conv(active, box, 1), b.floats(`scale.${i}`, [], [1.3 - i])]);
    return [scores, b.node('Transpose', [edges], { perm: [0, 2, 3, 1] }, `edges.${stride}`)];
  });
  const tensors = STRIDES.flatMap((stride) => [
    { tensor: `scores.${stride}`, axes: 'BCHW' as const, strides: [stride], channels: ['classes' as const] },
    { tensor: `edges.${stride}`, axes: 'BHWC' as const, strides: [stride], channels: ['boxes' as const] },
  ]);
  return {
    model: b.encode({ images: ['batch', 3, SIDE, SIDE] }, outputs, { 'scores.16': ['batch', CLASSES.length, 2, 2] }),
    mapping: {
      ...BASE,
      input: { order: 'rgb', white: 255, mean: [123.675, 116.28, 103.53], deviation: [58.395, 57.12, 57.375] },
      ...{ scores: 'logits', tensors, features: ['fpn.8', lateral4] },
    },
    parameters: ['stem.weight', 'stem.norm.shift', 'c3.1.norm.scale', 'gn.scale', 'cls.weight', 'scale.1'],
  };
}
