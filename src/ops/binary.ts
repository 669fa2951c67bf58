import addSource from '../../shaders/ops/binary/add.wgsl';
import divideSource from '../../shaders/ops/binary/divide.wgsl';
import multiplySource from '../../shaders/ops/binary/multiply.wgsl';
import preluSource from '../../shaders/ops/binary/prelu.wgsl';
import subtractSource from '../../shaders/ops/binary/subtract.wgsl';
import bodySource from '../../shaders/ops/binary.wgsl';
import alikeSource from '../../shaders/ops/binary_alike.wgsl';
import gradientSource from '../../shaders/ops/binary_gradient.wgsl';
import singleSource from '../../shaders/ops/binary_gradient_single.wgsl';
import storedSource from '../../shaders/ops/binary_gradient_stored.wgsl';
import gradientWideSource from '../../shaders/ops/binary_gradient_wide.wgsl';
import leftSingleSource from '../../shaders/ops/binary_left_single.wgsl';
import rightSingleSource from '../../shaders/ops/binary_right_single.wgsl';
import { Variable } from '../autograd/variable.js';
import { composed } from '../gpu/composed.js';
import { type KernelDefinition, MAX_WORKGROUPS } from '../gpu/launch.js';
import { storedForms } from '../tensor/stored.js';
import type { Tensor } from '../tensor/tensor.js';
import { InputError } from '../util/error.js';
import { MAX_DIMENSIONS, merged, stepsOf, table, type Walk } from './dimensions.js';

const forms = {
  add: addSource,
  subtract: subtractSource,
  multiply: multiplySource,
  divide: divideSource,
  prelu: preluSource,
};
const FORWARD = mixed('binary', bodySource);
const BACKWARD = backwards('binary gradient', gradientSource);
const BACKWARD_WIDE = backwards('binary gradient, wide', gradientWideSource);

type Form = keyof typeof forms;
type Source = KernelDefinition['source'];

/** From so many repeats on a workgroup sums one element. */
const WIDE = 64;

/** left + right with NumPy's broadcasting. @throws InputError when the shapes do not fit */
export function addBroadcast(left: Variable, right: Variable): Variable {
  return binary('add', left, right);
}

/** left − right with NumPy's broadcasting. @throws InputError when the shapes do not fit */
export function subtract(left: Variable, right: Variable): Variable {
  return binary('subtract', left, right);
}

/** left · right, element by element, with NumPy's broadcasting. @throws InputError when the shapes do not fit */
export function multiply(left: Variable, right: Variable): Variable {
  return binary('multiply', left, right);
}

/** left / right with NumPy's broadcasting; right must not be 0. @throws InputError when the shapes do not fit */
export function divide(left: Variable, right: Variable): Variable {
  return binary('divide', left, right);
}

/**
 * x where it is above 0, else slope · x, the slope being broadcast (He et al., 2015). The derivative at 0 is the slope.
 * @throws InputError when the shapes do not fit
 */
export function prelu(x: Variable, slope: Variable): Variable {
  return binary('prelu', x, slope);
}

/** The shape of two tensors broadcast to each other. @throws InputError when they do not fit */
export function broadcastShape(name: string, left: readonly number[], right: readonly number[]): number[] {
  const dimensions = Math.max(left.length, right.length);
  return Array.from({ length: dimensions }, (_, d) => {
    const [own, other] = [left, right].map((shape) => shape[d - dimensions + shape.length] ?? 1);
    if (own !== other && own !== 1 && other !== 1) {
      throw new InputError(`${name}: shapes [${left}] and [${right}] do not broadcast: ${own} and ${other} differ.`);
    }
    return own === 1 ? other : own;
  });
}

/** The steps of a tensor broadcast to `shape`: 0 where it is repeated. */
export function broadcastSteps(own: readonly number[], shape: readonly number[]): number[] {
  const steps = stepsOf(own);
  const missing = shape.length - own.length;
  return shape.map((extent, d) => (d < missing || (own[d - missing] === 1 && extent !== 1) ? 0 : steps[d - missing]));
}

/**
 * Kernels by the types of two operands.
 * @returns the kernel for these; `others` are stored as the result. It throws an InputError where types do not go together
 */
function mixed(name: string, body: Source) {
  const kernelsOf = (types: Source, suffix = '') =>
    storedForms(composed(`${name}${suffix}`, [...types, ...body], forms));
  const alike = kernelsOf(alikeSource);
  const leftSingle = kernelsOf(leftSingleSource, ', left of f32');
  const rightSingle = kernelsOf(rightSingleSource, ', right of f32');
  return (form: Form, left: Tensor, right: Tensor, ...others: readonly Tensor[]): KernelDefinition => {
    if (left.type === right.type) return alike(form, left, right, ...others);
    return left.type === 'f16' ? rightSingle(form, left, ...others) : leftSingle(form, right, ...others);
  };
}

/** `mixed` by the type of the operand whose gradient it is: that of the result, or f32. */
function backwards(name: string, body: Source) {
  return {
    stored: mixed(name, [...storedSource, ...body]),
    single: mixed(`${name} of f32`, [...singleSource, ...body]),
  };
}

/** The result is of f16 where either operand is. */
function binary(form: Form, left: Variable, right: Variable): Variable {
  const shape = broadcastShape(form, left.value.shape, right.value.shape);
  const { device } = left.value;
  const isHalf = [left, right].some(({ value }) => value.type === 'f16');
  const output = device.empty(shape, isHalf ? 'f16' : 'f32');
  const own = stepsOf(shape);
  const steps = [left, right].map(({ value }) => broadcastSteps(value.shape, shape));
  const walks = shape.map((extent, d) => ({ extent, steps: [own[d], steps[0][d], steps[1][d]] }));
  const dimensions = merged(form, walks);
  if (output.size > 0) {
    device.run({
      kernel: FORWARD(form, left.value, right.value),
      constants: { DIMENSIONS: Math.max(1, dimensions.length) },
      bindings: { left_values: left.value.range, right_values: right.value.range, output: output.range },
      params: {
        count: output.size,
        extents: table(
          dimensions.map(({ extent }) => extent),
          1,
        ),
        left_steps: table(
          dimensions.map((walk) => walk.steps[1]),
          0,
        ),
        right_steps: table(
          dimensions.map((walk) => walk.steps[2]),
          0,
        ),
      },
      invocations: output.size,
    });
  }
  const passes = (side: 0 | 1, { size, type }: Tensor) =>
    size === output.size && type === output.type && (form === 'add' || (form === 'subtract' && side === 0));
  return Variable.from(output, [left, right], (incoming) =>
    [left, right].map(({ value, requiresGradient }, side) => {
      if (!requiresGradient) return null;
      if (passes(side === 0 ? 0 : 1, value)) return incoming;
      return gradientOf(form, side === 0 ? 0 : 1, { incoming, left: left.value, right: right.value, walks });
    }),
  );
}

function gradientOf(
  form: Form,
  side: 0 | 1,
  { incoming, left, right, walks }: { incoming: Tensor; left: Tensor; right: Tensor; walks: readonly Walk[] },
): Tensor {
  const operand = side === 0 ? left : right;
  const { device } = operand;
  const gradient = device.empty(operand.shape, operand.type);
  const isRepeated = ({ steps }: Walk) => steps[1 + side] === 0;
  const kept = merged(
    form,
    walks.filter((walk) => !isRepeated(walk)),
  );
  const repeated = merged(form, walks.filter(isRepeated));
  const repeats = repeated.reduce((product, { extent }) => product * extent, 1);
  if (gradient.size === 0) return gradient;
  const isWide = repeats >= WIDE;
  const kernels = isWide ? BACKWARD_WIDE : BACKWARD;
  const kernelOf = operand.type === incoming.type ? kernels.stored : kernels.single;
  const rows = Math.ceil(gradient.size / MAX_WORKGROUPS);
  device.run({
    kernel: kernelOf(form, left, right, incoming),
    constants: {
      KEPT: Math.max(1, kept.length),
      REPEATED: Math.max(1, repeated.length),
      ...(isWide && { LANES: device.choice('reduction.workgroup') }),
    },
    bindings: {
      incoming: incoming.range,
      left_values: left.range,
      right_values: right.range,
      gradient: gradient.range,
    },
    params: { count: gradient.size, repeats, side, kept: walkTable(kept), repeated: walkTable(repeated) },
    ...(isWide ? { workgroups: [Math.ceil(gradient.size / rows), rows, 1] } : { invocations: gradient.size }),
  });
  return gradient;
}

function walkTable(walks: readonly Walk[]): number[] {
  return Array.from({ length: MAX_DIMENSIONS }, (_, d) => {
    const { steps, extent } = walks[d] ?? { steps: [0, 0, 0], extent: 1 };
    return [...steps, extent];
  }).flat();
}
