import { channelShuffle, split } from '../../ops/distribute.js';
import type { Edge } from './host.js';
import type { Part } from './nodeView.js';
import type { Step, Steps } from './step.js';

/**
 * Puts one operation in the place of slices that between them take all of a tensor, and of a channel shuffle with what joins and
 * cuts the maps around it.
 */
export function fuseParts(steps: readonly Step[], graph: Steps): Step[] {
  return splitOf(steps).map((step) => shuffled(step, graph) ?? step);
}

/** Slices of one tensor that follow on each other from its first entry to its last become a Split, where the first of them was. */
function splitOf(steps: readonly Step[]): Step[] {
  const found = new Map<Edge, { step: Step; part: Part }[]>();
  for (const step of steps) {
    const part = step.traits?.part;
    if (part) found.set(step.inputs[0], [...(found.get(step.inputs[0]) ?? []), { step, part }]);
  }
  const splits = new Map<Step, Step | null>();
  for (const [edge, slices] of found) {
    const inOrder = [...slices].sort((a, b) => a.part.start - b.part.start);
    const [{ axis, extent }] = inOrder.map(({ part }) => part);
    const ends = inOrder.map(({ part }) => part.start + part.size);
    const isWhole =
      slices.length > 1 &&
      inOrder.every(({ part }, i) => part.axis === axis && part.start === (ends[i - 1] ?? 0)) &&
      ends.at(-1) === extent;
    if (!isWhole) continue;
    const sizes = inOrder.map(({ part }) => part.size);
    for (const { step } of slices) splits.set(step, null);
    splits.set(slices[0].step, {
      ...slices[0].step,
      operator: 'Split',
      inputs: [edge],
      outputs: inOrder.flatMap(({ step }) => step.outputs),
      shapes: inOrder.flatMap(({ step }) => step.shapes),
      run: ([x]) => split(x, sizes, axis),
      traits: { axis },
    });
  }
  return steps.flatMap((step) => {
    const own = splits.get(step);
    if (own === undefined) return [step];
    return own ? [own] : [];
  });
}

/** A shuffle's last Reshape, or the Split that alone takes its result, as one copy of the maps that it joins. */
function shuffled(step: Step, graph: Steps): Step | null {
  const isSplit = step.operator === 'Split' && step.traits?.axis === 1;
  const last = isSplit ? graph.maker(step.inputs[0]) : step;
  if (last?.operator !== 'Reshape') return null;
  // Slices that became the Split each take it.
  if (isSplit && graph.uses(step.inputs[0]) !== takersOf(step, graph)) return null;
  const turned = graph.maker(last.inputs[0]);
  const opened = turned?.operator === 'Transpose' ? graph.maker(turned.inputs[0]) : undefined;
  const joined = opened?.operator === 'Reshape' ? graph.maker(opened.inputs[0]) : undefined;
  if (joined?.operator !== 'Concat' || joined.traits?.axis !== 1) return null;
  const groups = joined.inputs.length;
  const [batch, channels, ...map] = joined.shapes[0];
  const perm = [0, 2, 1, ...map.map((_, i) => i + 3)];
  const isShuffle =
    opened?.shapes[0].join() === [batch, groups, channels / groups, ...map].join() &&
    turned?.traits?.perm?.join() === perm.join() &&
    last.shapes[0].join() === joined.shapes[0].join() &&
    joined.inputs.every((input) => graph.shape(input)[1] === channels / groups);
  if (!isShuffle) return null;
  const sizes = step.shapes.map((shape) => shape[1]);
  return {
    ...step,
    operator: 'ChannelShuffle',
    inputs: joined.inputs,
    run: (xs) => channelShuffle(xs, sizes),
    traits: {},
  };
}

/** How many nodes a Split stands for. */
function takersOf({ outputs }: Step, graph: Steps): number {
  return new Set(outputs.map((output) => graph.maker(output))).size;
}
