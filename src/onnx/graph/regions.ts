import type { Grid } from '../../regions/grid.js';
import { InputError } from '../../util/error.js';
import { assertMappedShape } from '../mappedShape.js';
import { classCount, type HeadPart, type MappedTensor, type OnnxMapping } from '../mapping.js';
import { type Edge, stridesOf } from './host.js';
import { type GraphValue, NodeView } from './nodeView.js';
import type { GraphNode } from './parse.js';
import { sliceRanges, transposePerm } from './shapes.js';

/** A level's maps inside a tensor: element first + image · batch + channel · channel + row · row + column · column. */
export interface Region {
  /** Of the tensor. */
  edge: Edge;
  /** Position of its first element, row-major. */
  first: number;
  /** Elements from one to the next: image, channel, row, column. */
  steps: readonly number[];
  /** How many there are of each. */
  extents: readonly number[];
}

/** A graph that has been read, as far as looking for regions needs it. */
export interface ReadGraph {
  /** By name. */
  values: ReadonlyMap<Edge, GraphValue>;
  /** By what they make. */
  makers: ReadonlyMap<Edge, GraphNode>;
  /** Version of the operators. */
  opset: number;
  /** As of `NodeView`. */
  rebatch: NodeView['rebatch'];
}

/** A region where its values are made. */
export interface Origin {
  /** The same elements, in the tensor that was computed and not only moved. */
  region: Region;
  /** What makes them; undefined for an input or an initializer. */
  maker: GraphNode | undefined;
  /** How many sigmoids lie between. */
  sigmoids: number;
}

/**
 * Where a mapped tensor holds a part of a level.
 * @param shape of the tensor
 * @throws InputError when the shape is not what the mapping says
 */
export function regionOf(
  mapping: OnnxMapping,
  mapped: MappedTensor,
  shape: readonly number[],
  { part, stride, grid }: { part: HeadPart; stride: number; grid: Grid },
): Region {
  assertMappedShape(mapping, mapped, shape, grid);
  const widths = { boxes: 4 * mapping.bins, classes: classCount(mapping) };
  const areaOf = (one: number) => grid.areas[grid.strides.indexOf(one)];
  const before = (list: readonly number[]) => list.reduce((sum, one) => sum + one, 0);
  const channels = mapped.channels.map((one) => widths[one]);
  const [width, area] = [before(channels), before(mapped.strides.map(areaOf))];
  const isRowMajor = mapped.axes.endsWith('C');
  const [channelStep, step] = isRowMajor ? [1, width] : [area, 1];
  const channel = before(channels.slice(0, mapped.channels.indexOf(part)));
  const location = before(mapped.strides.slice(0, mapped.strides.indexOf(stride)).map(areaOf));
  const level = grid.levels[grid.strides.indexOf(stride)];
  return {
    edge: mapped.tensor,
    first: channel * channelStep + location * step,
    steps: [width * area, channelStep, level.width * step, step],
    extents: [shape[0], widths[part], level.height, level.width],
  };
}

/** All channels of a map [batch, channels, height, width]. @throws InputError for another shape */
export function mapRegion(edge: Edge, shape: readonly number[], { height, width }: { height: number; width: number }) {
  const [batch, channels, rows, columns] = shape;
  if (shape.length !== 4 || rows !== height || columns !== width) {
    throw new InputError(
      `features: ${edge} has the shape [${shape}]; a level's map is [batch, channels, ${height}, ${width}].`,
    );
  }
  const area = rows * columns;
  const region: Region = {
    edge,
    first: 0,
    steps: [channels * area, area, columns, 1],
    extents: [batch, channels, rows, columns],
  };
  return region;
}

/**
 * Follows a region back through nodes that only move values (Reshape, Transpose, Concat, Split, Slice …) to the tensor whose node
 * computes them, so that none of these nodes has to run.
 * @param passesSigmoid whether to go on behind a sigmoid, to its logits
 */
export function originOf(start: Region, graph: ReadGraph, { passesSigmoid }: { passesSigmoid: boolean }): Origin {
  let region = start;
  for (let sigmoids = 0; ; ) {
    // What passes its input on has no tensor of its own.
    region = { ...region, edge: graph.values.get(region.edge)?.edge ?? region.edge };
    const maker = graph.makers.get(region.edge);
    const isSigmoid = maker?.operator === 'Sigmoid';
    if (isSigmoid && passesSigmoid) sigmoids++;
    const before = maker && (isSigmoid && !passesSigmoid ? null : stepBack(region, maker, graph));
    if (!before) return { region, maker, sigmoids };
    region = before;
  }
}

/** The same elements in the input of the node that makes them; null where it computes, or they are no region there. */
function stepBack(region: Region, node: GraphNode, graph: ReadGraph): Region | null {
  const [edge] = node.inputs;
  const shapeOf = (tensor: Edge) => graph.values.get(tensor)?.shape ?? [];
  const view = new NodeView(node, graph.values, graph);
  switch (node.operator) {
    case 'Sigmoid':
    case 'Reshape':
    case 'Flatten':
    case 'Squeeze':
    case 'Unsqueeze':
      return { ...region, edge };
    case 'Transpose': {
      const perm = transposePerm(view);
      return moved(region, shapeOf(region.edge), edge, shapeOf(edge), (places) => {
        const source = places.map(() => 0);
        for (const [axis, from] of perm.entries()) source[from] = places[axis];
        return source;
      });
    }
    case 'Slice': {
      const { starts, steps } = sliceRanges(view);
      return moved(region, shapeOf(region.edge), edge, shapeOf(edge), (places, isFirst) =>
        places.map((place, axis) => (isFirst ? starts[axis] : 0) + place * steps[axis]),
      );
    }
    case 'Split': {
      const axis = view.axis(view.number('axis', 0));
      const others = node.outputs.slice(0, node.outputs.indexOf(region.edge));
      const start = others.reduce((sum, output) => sum + shapeOf(output)[axis], 0);
      return moved(region, shapeOf(region.edge), edge, shapeOf(edge), (places, isFirst) =>
        places.map((place, i) => place + (isFirst && i === axis ? start : 0)),
      );
    }
    case 'Concat': {
      const axis = view.axis(view.number('axis', 1));
      const whole = shapeOf(region.edge);
      const first = placesOf(region.first, whole)[axis];
      let start = 0;
      for (const input of node.inputs) {
        const extent = shapeOf(input)[axis];
        if (first >= start && first < start + extent) {
          return moved(region, whole, input, shapeOf(input), (places, isFirst) =>
            places.map((place, i) => place - (isFirst && i === axis ? start : 0)),
          );
        }
        start += extent;
      }
      return null;
    }
    default:
      return null;
  }
}

/**
 * A region under another indexing, axis by axis.
 * @param move places along the axes of the one tensor to those of the other: of the first element, or of a step
 * @returns null where a dimension of the region goes over the end of an axis, in either tensor
 */
function moved(
  { first, steps, extents }: Region,
  shape: readonly number[],
  edge: Edge,
  target: readonly number[],
  move: (places: readonly number[], isFirst: boolean) => readonly number[],
): Region | null {
  const walked = [...steps.keys()].filter((d) => extents[d] > 1);
  const fits = (start: readonly number[], moves: readonly (readonly number[])[], within: readonly number[]) =>
    within.every((extent, axis) => {
      const last = walked.reduce((sum, d) => sum + moves[d][axis] * (extents[d] - 1), start[axis]);
      return start[axis] >= 0 && last < extent;
    });
  const start = placesOf(first, shape);
  const moves = steps.map((step) => placesOf(step, shape));
  if (!fits(start, moves, shape)) return null;
  const [newStart, newMoves] = [move(start, true), moves.map((one) => move(one, false))];
  if (!fits(newStart, newMoves, target)) return null;
  const strides = stridesOf(target);
  const element = (places: readonly number[]) => places.reduce((sum, place, axis) => sum + place * strides[axis], 0);
  return { edge, first: element(newStart), steps: newMoves.map(element), extents };
}

/** An element's place along each axis. */
export function placesOf(element: number, shape: readonly number[]): number[] {
  let rest = element;
  return stridesOf(shape).map((stride) => {
    const place = Math.floor(rest / stride);
    rest -= place * stride;
    return place;
  });
}
