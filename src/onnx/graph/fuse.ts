import type { Variable } from '../../autograd/variable.js';
import { silu } from '../../ops/activation.js';
import { multiply, subtract } from '../../ops/binary.js';
import { reshape } from '../../ops/layout.js';
import { gelu, hardSwish, mish } from '../../ops/unary.js';
import { fuseActivations } from './fuseConvolution.js';
import { groupNormOf } from './fuseNorm.js';
import { fuseParts } from './fuseParts.js';
import type { Edge } from './host.js';
import type { Step, Steps } from './step.js';

/**
 * Replaces what exporters write as several nodes by one operation: x · σ(x), HardSwish, Mish, GELU, group norm, parts of
 * tensors (`fuseParts.ts`), a batch norm behind a convolution, which then is part of its weights, and an activation behind that. What nothing needs any more is for the caller to leave out.
 */
export function fuse(steps: readonly Step[], graph: Steps): Step[] {
  const fused = fuseParts(steps, graph).map((step): Step => {
    const own = activation(step, graph);
    if (own) return { ...step, operator: own.operator, inputs: [own.of], run: ([x]) => [own.run(x)], traits: {} };
    return normedConvolution(step, graph) ?? groupNormOf(step, graph) ?? step;
  });
  return fuseActivations(fused, graph);
}

interface Activation {
  operator: string;
  of: Edge;
  run: (x: Variable) => Variable;
}

function activation(step: Step, graph: Steps): Activation | null {
  for (const { edges, factor } of productsOf(step, graph)) {
    if (edges.length !== 2) continue;
    const [left, right] = edges;
    const found = gated(left, right, factor, graph) ?? gated(right, left, factor, graph);
    if (found) return found;
  }
  return null;
}

/** factor · x · gate as an activation of x. */
function gated(x: Edge, gate: Edge, factor: number, graph: Steps): Activation | null {
  const maker = graph.maker(gate);
  if (!maker) return null;
  const { operator, inputs, bounds, slope } = maker;
  if (isNear(factor, 1) && operator === 'Sigmoid' && inputs[0] === x) return { operator: 'Silu', of: x, run: silu };
  if (isNear(factor, 1) && operator === 'Tanh') {
    const inner = graph.maker(inputs[0]);
    if (inner?.operator === 'Softplus' && inner.inputs[0] === x) return { operator: 'Mish', of: x, run: mish };
  }
  if (isNear(factor, 0.5) && plus(maker, 1, graph, (edge) => isErfOf(edge, x, graph))) {
    return { operator: 'Gelu', of: x, run: gelu };
  }
  const isClip = bounds?.[0] === 0 && bounds[1] === 6 && plus(graph.maker(inputs[0]), 3, graph, (edge) => edge === x);
  const isHardSigmoid = slope && inputs[0] === x && isNear(slope[0], 1 / 6) && isNear(slope[1], 0.5);
  if ((isClip && isNear(factor, 1 / 6)) || (isHardSigmoid && isNear(factor, 1))) {
    return { operator: 'HardSwish', of: x, run: hardSwish };
  }
  return null;
}

/** Tensors and a number that are multiplied. */
interface Product {
  edges: readonly Edge[];
  factor: number;
}

/** What a step multiplies: as it is, and with one of its factors, itself a product, in its place. */
function productsOf(step: Step, graph: Steps): Product[] {
  const own = productOf(step, graph);
  if (!own) return [];
  const products = [own];
  for (const [i, edge] of own.edges.entries()) {
    const maker = graph.maker(edge);
    const inner = maker && productOf(maker, graph);
    if (!inner) continue;
    products.push({
      edges: [...own.edges.slice(0, i), ...inner.edges, ...own.edges.slice(i + 1)],
      factor: own.factor * inner.factor,
    });
  }
  return products;
}

function productOf({ operator, inputs }: Step, graph: Steps): Product | null {
  const [left, right] = inputs;
  const by = right === undefined ? null : graph.scalar(right);
  if (operator === 'Div') return by === null ? null : { edges: [left], factor: 1 / by };
  if (operator !== 'Mul') return null;
  if (by !== null) return { edges: [left], factor: by };
  const factor = graph.scalar(left);
  return factor === null ? { edges: [left, right], factor: 1 } : { edges: [right], factor };
}

/** Whether a step adds `value` to what `isWanted`. */
function plus(step: Step | undefined, value: number, graph: Steps, isWanted: (edge: Edge) => boolean): boolean {
  if (step?.operator !== 'Add') return false;
  const [left, right] = step.inputs;
  return (isWanted(left) && isScalar(right, value, graph)) || (isWanted(right) && isScalar(left, value, graph));
}

/** erf(x / √2) */
function isErfOf(edge: Edge, x: Edge, graph: Steps): boolean {
  const erf = graph.maker(edge);
  const scaled = erf?.operator === 'Erf' ? graph.maker(erf.inputs[0]) : undefined;
  if (!scaled) return false;
  const [left, right] = scaled.inputs;
  if (scaled.operator === 'Div') return left === x && isScalar(right, Math.SQRT2, graph);
  if (scaled.operator !== 'Mul') return false;
  return (left === x && isScalar(right, Math.SQRT1_2, graph)) || (right === x && isScalar(left, Math.SQRT1_2, graph));
}

function isScalar(edge: Edge, value: number, graph: Steps): boolean {
  const scalar = graph.scalar(edge);
  return scalar !== null && isNear(scalar, value);
}

function isNear(value: number, wanted: number): boolean {
  return Math.abs(value - wanted) < 1e-5;
}

/** A batch norm behind a convolution that nothing else takes: factors and shifts of its channels. */
function normedConvolution(step: Step, graph: Steps): Step | null {
  const convolution = step.operator === 'BatchNormalization' ? graph.maker(step.inputs[0]) : undefined;
  if (convolution?.operator !== 'Conv' || graph.uses(step.inputs[0]) !== 1) return null;
  const hasBias = convolution.inputs.length === 3;
  const activated = convolution.traits?.activated;
  return {
    ...convolution,
    operator: 'Conv',
    outputs: step.outputs,
    inputs: [...convolution.inputs, ...step.inputs.slice(1)],
    run: (inputs) => convolution.run(normed(inputs, hasBias)),
    traits: { ...(activated && { activated: (kind) => (inputs) => activated(kind)(normed(inputs, hasBias)) }) },
  };
}

/** Input, weight and bias of a convolution that does what a batch norm behind it does. */
function normed(inputs: readonly Variable[], hasBias: boolean): Variable[] {
  const [x, weight] = inputs;
  const [scale, shift, inverse, mean] = inputs.slice(hasBias ? 3 : 2);
  const factor = multiply(scale, inverse);
  const centre = hasBias ? subtract(mean, inputs[2]) : mean;
  const bias = subtract(shift, multiply(centre, factor));
  return [x, multiply(weight, reshape(factor, [weight.value.shape[0], 1, 1, 1])), bias];
}
