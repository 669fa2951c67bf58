import { onnx } from 'onnx-proto';
import { IMAGE_DEVIATION, IMAGE_MEAN } from '../../src/data/augment.js';
import type { DetectorConfig } from '../../src/detector/config.js';
import type { OnnxMapping } from '../../src/onnx/mapping.js';

export const FAMILIES = ['gfocal', 'nanodet', 'picodet', 'yolov8', 'yolov8-flat'] as const;
export type Family = (typeof FAMILIES)[number];

type Attributes = Record<string, number | number[]>;

/**
 * A model of ours, as `exportOnnx` writes it, with the inputs and outputs of another family of detectors around it, and the
 * mapping that explains them:
 * - gfocal: mmdetection's head, [B, C, h, w] a level, as tensors inside a graph whose outputs are decoded boxes
 * - nanodet: one output [B, A, classes + 4 · bins], scores after a sigmoid, blue green red in 0 … 255
 * - picodet: two outputs a level, [1, A, C], scores after a sigmoid, a batch of one, pixels in 0 … 1
 * - yolov8: boxes first, [B, 4 · bins + classes, h, w] a level, inside the graph, pixels in 0 … 1
 * - yolov8-flat: the same in two tensors of all levels, [B, C, A], the largest stride first
 */
export function ofFamily(
  model: Uint8Array,
  family: Family,
  { classes, bins, strides, width, height }: DetectorConfig,
): { model: Uint8Array; mapping: OnnxMapping } {
  const proto = onnx.ModelProto.decode(model);
  const graph = proto.graph!;
  let count = 0;
  const node = (opType: string, input: string[], attributes: Attributes = {}, output = `${family}.${count++}`) => {
    const attribute = Object.entries(attributes).map(([name, value]) =>
      Array.isArray(value) ? { name, type: 7, ints: value } : { name, type: 2, i: value },
    );
    graph.node!.push(onnx.NodeProto.create({ opType, name: output, input, output: [output], attribute }));
    return output;
  };
  const floats = (name: string, dims: number[], values: number[]) => {
    const rawData = new Uint8Array(Float32Array.from(values).buffer);
    graph.initializer!.push(onnx.TensorProto.create({ name, dataType: 1, dims, rawData }));
    return name;
  };
  const integers = (name: string, values: number[]) => {
    const rawData = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    graph.initializer!.push(onnx.TensorProto.create({ name, dataType: 7, dims: [values.length], rawData }));
    return name;
  };
  const port = (name: string, shape: (number | string)[]) =>
    onnx.ValueInfoProto.create({
      name,
      type: {
        tensorType: {
          elemType: 1,
          shape: { dim: shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size })) },
        },
      },
    });

  // What is fed, brought back to red, green, blue in 0 … 255; these nodes go before the others.
  const inner = graph.node!.splice(0);
  const isBatchOne = family === 'picodet';
  graph.input = [port('x', [isBatchOne ? 1 : 'n', 3, height, width])];
  let input: OnnxMapping['input'] = { order: 'rgb', white: 255, mean: [0, 0, 0], deviation: [1, 1, 1] };
  if (family === 'nanodet') {
    const reversed = <T>([a, b, c]: T[]): [T, T, T] => [c, b, a];
    input = { name: 'x', order: 'bgr', white: 255, mean: reversed(IMAGE_MEAN), deviation: reversed(IMAGE_DEVIATION) };
    const scaled = node('Mul', ['x', floats('nanodet.deviation', [3, 1, 1], input.deviation)]);
    const bytes = node('Add', [scaled, floats('nanodet.mean', [3, 1, 1], input.mean)]);
    node('Gather', [bytes, integers('nanodet.order', [2, 1, 0])], { axis: 1 }, 'images');
  } else if (family === 'gfocal') {
    node('Identity', ['x'], {}, 'images');
  } else {
    input = { order: 'rgb', white: 1, mean: [0, 0, 0], deviation: [1, 1, 1] };
    if (family === 'picodet') input = { ...input, mean: [0.5, 0.25, 0.125], deviation: [0.25, 0.5, 2] };
    const scaled = node('Mul', ['x', floats(`${family}.deviation`, [3, 1, 1], input.deviation)]);
    const unit = node('Add', [scaled, floats(`${family}.mean`, [3, 1, 1], input.mean)]);
    node('Mul', [unit, floats(`${family}.white`, [], [255])], {}, 'images');
  }
  graph.node!.push(...inner);

  const flat = (map: string, channels: number) =>
    node('Reshape', [map, integers(`${family}.flat${count++}`, [0, channels, -1])]);
  const rows = (map: string, channels: number) => node('Transpose', [flat(map, channels)], { perm: [0, 2, 1] });
  const all = [...strides];
  const tensors: OnnxMapping['tensors'] = [];
  let outputs = ['boxes'];
  if (family === 'gfocal') {
    for (const stride of strides) {
      tensors.push({ tensor: `class_logits_${stride}`, axes: 'BCHW', strides: [stride], channels: ['classes'] });
      tensors.push({ tensor: `box_logits_${stride}`, axes: 'BCHW', strides: [stride], channels: ['boxes'] });
    }
  } else if (family === 'nanodet') {
    const levels = strides.map((stride) => {
      const scores = node('Sigmoid', [`class_logits_${stride}`]);
      return rows(node('Concat', [scores, `box_logits_${stride}`], { axis: 1 }), classes + 4 * bins);
    });
    outputs = [node('Concat', levels, { axis: 1 }, 'output')];
    tensors.push({ tensor: 'output', axes: 'BAC', strides: all, channels: ['classes', 'boxes'] });
  } else if (family === 'picodet') {
    outputs = strides.flatMap((stride) => [
      node('Sigmoid', [rows(`class_logits_${stride}`, classes)], {}, `score_${stride}`),
      node('Identity', [rows(`box_logits_${stride}`, 4 * bins)], {}, `edges_${stride}`),
    ]);
    for (const stride of strides) {
      tensors.push({ tensor: `score_${stride}`, axes: 'BAC', strides: [stride], channels: ['classes'] });
      tensors.push({ tensor: `edges_${stride}`, axes: 'BAC', strides: [stride], channels: ['boxes'] });
    }
  } else if (family === 'yolov8') {
    for (const stride of strides) {
      const tensor = node('Concat', [`box_logits_${stride}`, `class_logits_${stride}`], { axis: 1 }, `head_${stride}`);
      tensors.push({ tensor, axes: 'BCHW', strides: [stride], channels: ['boxes', 'classes'] });
    }
  } else {
    all.reverse();
    const levels = (name: string, channels: number) => all.map((stride) => flat(`${name}_${stride}`, channels));
    const boxes = node('Concat', levels('box_logits', 4 * bins), { axis: 2 }, 'all_edges');
    const scores = node('Concat', levels('class_logits', classes), { axis: 2 }, 'all_scores');
    tensors.push({ tensor: boxes, axes: 'BCA', strides: all, channels: ['boxes'] });
    tensors.push({ tensor: scores, axes: 'BCA', strides: all, channels: ['classes'] });
  }
  const dims = outputs.map((name) => port(name, ['n', 'a', 'c']));
  graph.output = dims;
  const scores = family === 'nanodet' || family === 'picodet' ? 'probabilities' : 'logits';
  const mapping: OnnxMapping = { input, strides: [...strides], bins, centreOffset: 0, scores, tensors, classes };
  return { model: onnx.ModelProto.encode(proto).finish(), mapping };
}
