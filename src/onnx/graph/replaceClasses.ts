import { PRIOR } from '../../detector/prior.js';
import { Random } from '../../tensor/random.js';
import { InputError } from '../../util/error.js';
import type { MappedModel, OnnxMapping } from '../mapping.js';
import { classCount } from '../mapping.js';
import { type Axes, newExtent } from './classes/bands.js';
import { type Change, changesOf, follow, isChanged } from './classes/follow.js';
import { type ClassTensors, classTensorsOf } from './classes/tensors.js';
import { editModel, type NodeEdit } from './editModel.js';
import { type Edge, type HostTensor, sizeOfShape } from './host.js';
import { NodeFault } from './nodeView.js';
import type { GraphNode, ParsedModel } from './parse.js';
import { type GraphSurvey, parseGraph, planGraph } from './plan.js';
import { planStudent, readGraphOf, type StudentShape } from './studentPlan.js';
import { weightsOf } from './trainable.js';

/** Spread of new weights, as `Detector` and GFocal start theirs. */
const DEVIATION = 0.01;

/** What classes are replaced by. */
export interface NewClasses {
  /** The file's bytes, with its weights inside. */
  model: Uint8Array;
  /** Of the file, for messages; default `model`. */
  name?: string;
  /** Of the model. Where its names of classes are those of the data (or `classMap` says which is which), weights are kept. */
  mapping: OnnxMapping;
  /** Names of the data's classes, in order. */
  classes: readonly string[];
  /** Pixels of the images. */
  width: number;
  /** Likewise. */
  height: number;
  /** Of new weights: the same seed gives the same bits. Default 0. */
  seed?: number;
  /** The score that new classes start from; default 0.01. */
  prior?: number;
}

/**
 * A model that tells other classes apart: what makes the class logits gets outputs for the data's classes, and constants and
 * declared shapes behind it follow. A class that the model knows keeps its weights; a new one starts with normal weights of deviation
 * 0.01 and the bias −log((1 − p) / p) (Lin et al., ICCV 2017).
 * @returns the model, all else of it byte for byte, and its mapping
 * @throws InputError when the logits are not made by Conv, Gemm or MatMul of one group, or a node behind them cannot work with another
 *   number of classes; it names the node and the reason
 */
export async function replaceClasses(given: NewClasses): Promise<MappedModel> {
  const { model, mapping, classes, width, height, name = 'model', seed = 0, prior = PRIOR } = given;
  assertNames(classes);
  if (!(prior > 0 && prior < 1))
    throw new InputError(`prior: ${prior}; expected a score between 0 and 1, such as 0.01.`);
  const parsed = await parseGraph(model, name);
  const shape: StudentShape = { parsed, name, mapping, width, height };
  const survey = wholeSurvey(shape);
  const tensors = classTensorsOf(shape, survey);
  const weights = weightsOf(parsed.nodes, parsed.initializers);
  const rows = keptRows(mapping, classes, name);

  const replaced = new Map<Edge, HostTensor>();
  const changes = new Map<Edge, Change>();
  for (const [place, [edge, tensor]] of [...tensors.parts].entries()) {
    const source = weights.get(edge);
    if (!source) throw new InputError(`${name}: ${edge} is no constant of the file.`);
    const fresh = tensor.isBias
      ? () => (tensor.startsPrior ? -Math.log((1 - prior) / prior) : 0)
      : normals(seed, place);
    replaced.set(edge, withRows(source, tensor, rows, fresh));
    changes.set(
      edge,
      source.shape.map((extent, axis) => (axis === tensor.axis ? bandsOf(extent, tensor, classes.length) : null)),
    );
  }
  const { nodes, added } = followAll(shape, survey, changes);
  addBiases(tensors, { rows, prior, nodes, added, parsed });
  const result = editModel(model, { tensors: replaced, nodes, added, shapes: shapesOf(changes) });
  const { classMap: _, ...rest } = mapping;
  const own = { ...rest, classes: [...classes] };
  planStudent({ ...shape, mapping: own, parsed: await parseGraph(result, name) }, 1);
  return { model: result, mapping: own };
}

function assertNames(classes: readonly string[]): void {
  const twice = classes.find((one, i) => classes.indexOf(one) !== i);
  if (classes.length === 0) throw new InputError('classes: []; expected at least one name.');
  if (twice !== undefined)
    throw new InputError(`classes: ${twice} stands there twice; each class needs a name of its own.`);
}

/** All that can be read of the file; at least what the mapping needs. */
function wholeSurvey({ parsed, name, mapping, width, height }: StudentShape): GraphSurvey {
  const input = mapping.input.name ?? parsed.inputs[0]?.name ?? '';
  const batch = parsed.inputs.find((port) => port.name === input)?.shape?.[0] ?? 1;
  const shapes = { [input]: [batch, 3, height, width] };
  const named = mapping.tensors.map(({ tensor }) => tensor);
  const all = [...new Set([...named, ...parsed.outputs.map((port) => port.name)])];
  try {
    return planGraph(parsed, { name, shapes, outputs: all });
  } catch {
    // Other inputs may belong to post-processing.
    return planGraph(parsed, { name, shapes, outputs: named });
  }
}

/** For each class of the data the model's, whose weights it keeps; null for a new one. */
function keptRows(
  { classes: own, classMap = {}, ...mapping }: OnnxMapping,
  classes: readonly string[],
  name: string,
): (number | null)[] {
  const count = classCount({ ...mapping, classes: own });
  return classes.map((one) => {
    const target = Object.hasOwn(classMap, one) ? classMap[one] : one;
    if (typeof target === 'number' && target >= count) {
      throw new InputError(
        `${name}: classMap gives ${one} the index ${target}; the model has ${count} classes, from 0.`,
      );
    }
    if (typeof target !== 'string') return target;
    const row = Array.isArray(own) ? own.indexOf(target) : -1;
    return row < 0 ? null : row;
  });
}

function bandsOf(extent: number, { start, count }: { start: number; count: number }, classes: number) {
  const rest = extent - start - count;
  const same = (length: number) => ({ old: length, new: length });
  return [same(start), { old: count, new: classes }, same(rest)].filter((band) => band.old > 0);
}

function normals(seed: number, place: number): () => number {
  const random = Random.of(seed, place);
  return () => DEVIATION * random.normal();
}

/** A tensor whose classes along an axis are others: those of the data, taken from it or new. */
function withRows(
  { type, shape, data }: HostTensor,
  { axis, start, count }: { axis: number; start: number; count: number },
  rows: readonly (number | null)[],
  fresh: () => number,
): HostTensor {
  const before = Array.from({ length: start }, (_, i) => i);
  const after = Array.from({ length: shape[axis] - start - count }, (_, i) => start + count + i);
  const sources = [...before, ...rows.map((row) => (row === null ? null : start + row)), ...after];
  const [outer, inner] = [sizeOfShape(shape.slice(0, axis)), sizeOfShape(shape.slice(axis + 1))];
  const values: number[] = [];
  for (let i = 0; i < outer; i++) {
    for (const source of sources) {
      for (let j = 0; j < inner; j++)
        values.push(source === null ? fresh() : data[(i * shape[axis] + source) * inner + j]);
    }
  }
  return {
    type,
    shape: shape.map((extent, i) => (i === axis ? sources.length : extent)),
    data: Float32Array.from(values),
  };
}

/** Follows the changed tensors through the file; `changes` gets those of all others. */
function followAll({ parsed, name }: StudentShape, survey: GraphSurvey, changes: Map<Edge, Change>) {
  const graph = readGraphOf(parsed, survey);
  const nodes = new Map<number, NodeEdit>();
  const added = new Map<Edge, { type: 'float' | 'integer'; shape: number[]; data: number[] }>();
  for (const node of parsed.nodes) {
    const inputs = changesOf(node.inputs, changes);
    if (!inputs.some(isChanged)) continue;
    const { outputs, change } = followed(node, inputs);
    for (const [i, output] of outputs.entries()) if (isChanged(output)) changes.set(node.outputs[i], output);
    if (!change) continue;
    const edges = [...node.inputs];
    for (const [input, values] of change.inputs) {
      const edge = `${node.outputs[0]}/edgewise.${input}`;
      edges[input] = edge;
      added.set(edge, { type: 'integer', shape: [values.length], data: [...values] });
    }
    nodes.set(node.index, { inputs: edges, attributes: change.attributes });
  }
  return { nodes, added };

  function followed(node: GraphNode, inputs: (Change | null)[]) {
    try {
      return follow(node, inputs, graph);
    } catch (error) {
      if (!(error instanceof NodeFault)) throw error;
      throw new InputError(
        `${name}: its classes cannot be replaced: node ${node.name}, operator ${node.operator}: ${error.message}. Export the model with these classes, or without what comes behind the tensors of the mapping.`,
      );
    }
  }
}

/** A convolution without a bias gets one, for the prior. */
function addBiases(
  { bare }: ClassTensors,
  {
    rows,
    prior,
    nodes,
    added,
    parsed,
  }: {
    rows: readonly (number | null)[];
    prior: number;
    nodes: Map<number, NodeEdit>;
    added: Map<Edge, { type: 'float' | 'integer'; shape: number[]; data: number[] }>;
    parsed: ParsedModel;
  },
): void {
  for (const [index, { channels, start, count }] of bare) {
    const node = parsed.nodes[index];
    const bias = [
      ...new Array(start).fill(0),
      ...rows.map((row) => (row === null ? -Math.log((1 - prior) / prior) : 0)),
      ...new Array(channels - start - count).fill(0),
    ];
    const edge = `${node.outputs[0]}/edgewise.bias`;
    added.set(edge, { type: 'float', shape: [bias.length], data: bias });
    const edit = nodes.get(index);
    const inputs = [...(edit?.inputs ?? node.inputs)];
    inputs[2] = edge;
    nodes.set(index, { ...edit, inputs });
  }
}

/** Declared sizes that change. */
function shapesOf(changes: ReadonlyMap<Edge, Change>): Map<Edge, ReadonlyMap<number, number> | null> {
  const sizes = (axes: Axes) =>
    new Map(axes.flatMap((bands, axis) => (bands ? [[axis, newExtent(bands)] as const] : [])));
  return new Map([...changes].map(([edge, change]) => [edge, change === 'unknown' ? null : sizes(change)]));
}
