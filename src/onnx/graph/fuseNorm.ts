import type { Variable } from '../../autograd/variable.js';
import { addBroadcast, multiply } from '../../ops/binary.js';
import { groupNormMaps } from '../../ops/groupNorm.js';
import { reshape } from '../../ops/layout.js';
import type { Edge } from './host.js';
import type { Step, Steps } from './step.js';

/**
 * Group norm as exporters write it, Reshape, InstanceNormalization, Reshape, Mul, Add and perhaps Relu, as one operation: given
 * the last of these.
 */
export function groupNormOf(step: Step, graph: Steps): Step | null {
  const relu = step.operator === 'Relu';
  const shifted = relu ? graph.maker(step.inputs[0]) : step;
  if (shifted?.operator !== 'Add' || (relu && graph.uses(step.inputs[0]) !== 1)) return null;
  for (const [scaledEdge, shift] of eitherWay(shifted)) {
    const scaled = graph.maker(scaledEdge);
    if (scaled?.operator !== 'Mul') continue;
    for (const [edge, scale] of eitherWay(scaled)) {
      const found = grouped(edge, graph);
      if (!found || !isOfChannels(scale, found.channels, graph) || !isOfChannels(shift, found.channels, graph))
        continue;
      const { x, groups, channels, epsilon, inner } = found;
      const run = ([maps, outerScale, outerShift, ...rest]: readonly Variable[]): Variable[] => {
        const [ofScale, ofShift] = affine(outerScale, outerShift, rest, [groups, channels / groups]);
        return [groupNormMaps(maps, ofScale, ofShift, { groups, epsilon, relu })];
      };
      return { ...step, operator: 'GroupNorm', inputs: [x, scale, shift, ...inner], run, traits: {} };
    }
  }
  return null;
}

/** Reshape, InstanceNormalization and Reshape back; `inner` are scale and shift of groups, left out where they do nothing. */
function grouped(edge: Edge, graph: Steps) {
  const back = graph.maker(edge);
  const norm = back?.operator === 'Reshape' ? graph.maker(back.inputs[0]) : undefined;
  const opened = norm?.operator === 'InstanceNormalization' ? graph.maker(norm.inputs[0]) : undefined;
  if (!norm || opened?.operator !== 'Reshape') return null;
  const [x] = opened.inputs;
  const [batch, channels] = graph.shape(x);
  const [images, groups] = opened.shapes[0];
  if (graph.shape(x).join() !== graph.shape(edge).join() || images !== batch || channels % groups !== 0) return null;
  const [, scale, shift] = norm.inputs;
  const isPlain = isFilled(scale, 1, graph) && isFilled(shift, 0, graph);
  return { x, groups, channels, epsilon: norm.traits?.epsilon ?? 1e-5, inner: isPlain ? [] : [scale, shift] };
}

/** outer · (inner · n + innerShift) + outerShift as one scale and one shift, each [C]. */
function affine(
  scale: Variable,
  shift: Variable,
  [innerScale, innerShift]: readonly Variable[],
  grid: readonly [number, number],
): [Variable, Variable] {
  const channels = [grid[0] * grid[1]];
  if (!innerScale || !innerShift) return [reshape(scale, channels), reshape(shift, channels)];
  const outer = reshape(scale, grid);
  const factor = multiply(outer, reshape(innerScale, [grid[0], 1]));
  const addend = addBroadcast(reshape(shift, grid), multiply(outer, reshape(innerShift, [grid[0], 1])));
  return [reshape(factor, channels), reshape(addend, channels)];
}

function eitherWay({ inputs: [left, right] }: Step): [Edge, Edge][] {
  return [
    [left, right],
    [right, left],
  ];
}

/** [C, 1, 1], with or without a batch of 1. */
function isOfChannels(edge: Edge, channels: number, graph: Steps): boolean {
  const shape = graph.shape(edge);
  const [height, width, own, batch = 1] = [...shape].reverse();
  return shape.length >= 3 && shape.length <= 4 && height === 1 && width === 1 && own === channels && batch === 1;
}

function isFilled(edge: Edge, value: number, graph: Steps): boolean {
  return graph.constant(edge)?.data.every((one) => one === value) ?? false;
}
