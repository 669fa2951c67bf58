import { type Grid, makeGrid } from '../../regions/grid.js';
import { InputError } from '../../util/error.js';
import type { HeadPart, OnnxMapping } from '../mapping.js';
import type { Edge } from './host.js';
import type { GraphNode, ParsedModel } from './parse.js';
import { type GraphSurvey, type OnnxGraph, planGraph } from './plan.js';
import { mapRegion, type Origin, originOf, type ReadGraph, type Region, regionOf } from './regions.js';

/** A model as a student, for one batch: what runs, and where in its tensors the maps are. */
export interface StudentPlan {
  /** Ends where the logits are made: sigmoids and what only moves them is left out. */
  graph: OnnxGraph;
  /** One a level, in the order of the mapping's strides, all classes of the model. */
  classLogits: readonly Region[];
  /** Likewise, 4 · bins channels. */
  boxLogits: readonly Region[];
  /** Likewise; empty where the mapping names none. */
  features: readonly Region[];
}

/** What a plan depends on. */
export interface StudentShape {
  /** The file. */
  parsed: ParsedModel;
  /** Of the file, for messages. */
  name: string;
  /** Of the file. */
  mapping: OnnxMapping;
  /** Pixels of the images. */
  width: number;
  /** Likewise. */
  height: number;
}

/**
 * Reads a model's graph as far as the mapping needs it.
 * @throws InputError when a tensor is missing or not of the shape that the mapping says, a node cannot be read, the scores do not come
 *   out of a sigmoid as the mapping says, or the model has another input
 */
export function planStudent(shape: StudentShape, batch: number): StudentPlan {
  const { parsed, name, mapping } = shape;
  const { tensors, features: named = [] } = mapping;
  const wanted = [...new Set([...tensors.map(({ tensor }) => tensor), ...named])];
  const survey = surveyOf(shape, wanted, batch);
  const origins = headOrigins(shape, survey);
  const { levels } = gridOf(shape);
  const features = named.map((edge, level) => mapRegion(edge, shapeOf(survey, edge), levels[level]));
  assertOneWidth(features);
  const ends = [...origins.classes, ...origins.boxes].map(({ region }) => region.edge);
  const { graph } = surveyOf(shape, [...new Set([...ends, ...named])], batch);
  if (graph.parameters.length === 0) {
    throw new InputError(
      `${name}: nothing that ${wanted.join(', ')} depend on can be trained; its weights are no float32 initializers.`,
    );
  }
  assertInput(graph, parsed, mapping);
  const regions = (part: HeadPart) => origins[part].map(({ region }) => region);
  return { graph, classLogits: regions('classes'), boxLogits: regions('boxes'), features };
}

/** Where class and box logits of each level are made, in a graph that has been read. @throws InputError as `planStudent` */
export function headOrigins(shape: StudentShape, survey: GraphSurvey): Record<HeadPart, Origin[]> {
  const { mapping, name } = shape;
  const grid = gridOf(shape);
  const graph = readGraphOf(shape.parsed, survey);
  const originsOf = (part: HeadPart) =>
    mapping.strides.map((stride) => {
      const mapped = mapping.tensors.find(
        ({ channels, strides }) => channels.includes(part) && strides.includes(stride),
      );
      if (!mapped) throw new InputError(`${name}: no tensor holds the ${part} of stride ${stride}.`);
      const region = regionOf(mapping, mapped, shapeOf(survey, mapped.tensor), { part, stride, grid });
      const passesSigmoid = part === 'classes' && mapping.scores === 'probabilities';
      const origin = originOf(region, graph, { passesSigmoid });
      if (part === 'classes') assertSigmoid(origin, mapped.tensor, shape);
      return origin;
    });
  return { classes: originsOf('classes'), boxes: originsOf('boxes') };
}

/** Nodes and tensors of a survey, for `originOf`. */
export function readGraphOf({ opset }: ParsedModel, { graph, values, rebatch }: GraphSurvey): ReadGraph {
  const makers = new Map(
    graph.nodes.flatMap((node) => node.outputs.map((output): [Edge, GraphNode] => [output, node])),
  );
  return { values, makers, opset, rebatch };
}

/** A batch of images through as much of the graph as some tensors need. @throws InputError where it cannot be read */
function surveyOf(
  { parsed, name, mapping, width, height }: StudentShape,
  outputs: readonly Edge[],
  batch: number,
): GraphSurvey {
  const input = mapping.input.name ?? parsed.inputs[0]?.name;
  if (!parsed.inputs.some((port) => port.name === input)) {
    const names = parsed.inputs.map((port) => port.name).join(', ') || '(none)';
    throw new InputError(`${name} has the inputs ${names}, not ${input}; correct input.name of the mapping.`);
  }
  const survey = planGraph(parsed, { name, outputs, shapes: { [input]: [batch, 3, height, width] } });
  if (survey.faults.length > 0) throw new InputError(survey.faults[0].message);
  return survey;
}

function gridOf({ mapping: { strides }, width, height }: StudentShape): Grid {
  return makeGrid({ imageSize: { width, height }, strides });
}

function shapeOf({ values }: GraphSurvey, edge: Edge): readonly number[] {
  return values.get(edge)?.shape ?? [];
}

function assertSigmoid({ sigmoids, maker, region }: Origin, tensor: Edge, { name, mapping }: StudentShape): void {
  if (mapping.scores === 'logits') {
    if (maker?.operator !== 'Sigmoid') return;
    throw new InputError(
      `${name}: the classes of ${tensor} come out of a Sigmoid (${region.edge}), so they are no logits; set "scores": "probabilities" in the mapping.`,
    );
  }
  if (sigmoids === 1) return;
  const found = maker ? `${region.edge}, which is made by ${maker.operator}` : region.edge;
  throw new InputError(
    sigmoids === 0
      ? `${name}: the mapping says that the classes of ${tensor} are probabilities, but no Sigmoid was found on the way back to ${found}; a student needs logits: name the tensor before the sigmoid, or set "scores": "logits" if it holds logits.`
      : `${name}: ${sigmoids} sigmoids lie between ${tensor} and ${found}; a student needs logits: name the tensor before the sigmoid.`,
  );
}

function assertInput({ inputs, name }: OnnxGraph, { inputs: declared }: ParsedModel, { input }: OnnxMapping): void {
  if (inputs.length === 1 && inputs[0].name === (input.name ?? declared[0].name)) return;
  const names = inputs.map((port) => port.name).join(', ') || '(none)';
  throw new InputError(
    `${name}: the tensors of the mapping need the inputs ${names}; expected ${input.name ?? 'one, the images'}: correct input.name of the mapping.`,
  );
}

function assertOneWidth(features: readonly Region[]): void {
  const channels = features.map(({ extents }) => extents[1]);
  if (new Set(channels).size < 2) return;
  throw new InputError(
    `features: the levels have ${channels.join(', ')} channels; name tensors of as many channels each.`,
  );
}
