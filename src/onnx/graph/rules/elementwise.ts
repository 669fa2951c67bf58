import type { Variable } from '../../../autograd/variable.js';
import { relu } from '../../../ops/activation.js';
import { addBroadcast, divide, multiply, prelu, subtract } from '../../../ops/binary.js';
import {
  clip,
  erf,
  exp,
  gelu,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  mish,
  sigmoid,
  softplus,
  sqrt,
  tanh,
} from '../../../ops/unary.js';
import { isFloatType } from '../fold.js';
import { broadcast, type HostTensor, hostTensor } from '../host.js';
import { NodeFault, type NodeView, type Planned, type Rule, single } from '../nodeView.js';

/** Operators that work element by element. */
export const ELEMENTWISE: Record<string, Rule> = {
  Relu: (view) => ({ ...single(view.shape(0), [0], relu), traits: { activation: { slope: 0 } } }),
  Sigmoid: unary(sigmoid),
  Tanh: unary(tanh),
  Softplus: unary(softplus),
  Exp: unary(exp),
  Sqrt: unary(sqrt),
  Mish: unary(mish),
  HardSwish: unary(hardSwish),
  LeakyRelu: (view) => {
    const alpha = view.number('alpha', 0.01);
    const activation = alpha >= 0 ? { slope: alpha } : undefined;
    return { ...single(view.shape(0), [0], (x) => leakyRelu(x, alpha)), traits: { activation } };
  },
  HardSigmoid: (view) => {
    const [alpha, beta] = [view.number('alpha', 0.2), view.number('beta', 0.5)];
    return single(view.shape(0), [0], (x) => hardSigmoid(x, alpha, beta));
  },
  Gelu: (view) => {
    if (view.text('approximate', 'none') !== 'tanh') return single(view.shape(0), [0], gelu);
    const constants = [0.044715, Math.sqrt(2 / Math.PI), 1, 0.5].map(scalar);
    return single(view.shape(0), [0, ...constants], (x, cubic, inner, one, half) => {
      const bent = addBroadcast(x, multiply(multiply(multiply(x, x), x), cubic));
      return multiply(multiply(x, half), addBroadcast(tanh(multiply(bent, inner)), one));
    });
  },
  Abs: unary(magnitude),
  Softsign: (view) => single(view.shape(0), [0, scalar(1)], (x, one) => divide(x, addBroadcast(magnitude(x), one))),
  Elu: (view) => exponential(view, 1, view.number('alpha', 1)),
  Selu: (view) => exponential(view, view.number('gamma', 1.0507010221481323), view.number('alpha', 1.6732631921768188)),
  Clip: (view) => {
    const [least, most] = clipBounds(view);
    const activation = least === 0 && most > 0 ? { slope: 0, limit: most } : undefined;
    return { ...single(view.shape(0), [0], (x) => clip(x, least, most)), traits: { activation } };
  },
  PRelu: (view) => {
    const shape = view.shape(0);
    // The slope is stretched to the input, not the other way round.
    if (broadcast([shape, view.shape(1)])?.join() !== shape.join()) throw shapesDiffer(view);
    return single(shape, [0, 1], prelu);
  },
  Erf: unary(erf),
  Add: binary(addBroadcast),
  Sub: binary(subtract),
  Mul: binary(multiply),
  Div: binary(divide),
  Sum: nary(addBroadcast),
  Mean: (view) => {
    const operands = Array.from({ length: view.count }, (_, input) => input);
    return single(shapeOfAll(view), [scalar(1 / view.count), ...operands], (share, ...inputs) =>
      multiply(
        inputs.reduce((left, right) => addBroadcast(left, right)),
        share,
      ),
    );
  },
  Max: (view) => bounded(view, (bound) => [bound, Number.POSITIVE_INFINITY], larger),
  Min: (view) => bounded(view, (bound) => [Number.NEGATIVE_INFINITY, bound], smaller),
  Neg: (view) => single(view.shape(0), [0, scalar(-1)], multiply),
  Reciprocal: (view) => single(view.shape(0), [scalar(1), 0], divide),
  Pow: (view) => {
    const exponents = view.numbers(1);
    const [first] = exponents;
    if (exponents.some((one) => one !== first)) throw new NodeFault('its exponents differ');
    if (first === 1) return 'pass';
    if (first === 0.5) return single(view.shape(0), [0], sqrt);
    if (first === -0.5) return single(view.shape(0), [0, scalar(1)], (x, one) => divide(one, sqrt(x)));
    if (first === -1) return single(view.shape(0), [scalar(1), 0], divide);
    if (Number.isInteger(first) && first > 1 && first <= MOST_FACTORS) {
      const others = Array.from({ length: first - 1 });
      return single(view.shape(0), [0], (x) => others.reduce<Variable>((product) => multiply(product, x), x));
    }
    throw new NodeFault(`its exponent is ${first}; -1, -0.5, 0.5 and 1 to ${MOST_FACTORS} are read`);
  },
  Identity: () => 'pass',
  Dropout: (view) => {
    // As in inference: a student's dropout is not trained.
    view.ignore('ratio', 'seed', 'is_test');
    return 'pass';
  },
  Cast: (view) => {
    view.ignore('saturate');
    if (!isFloatType(view.number('to', 1))) throw new NodeFault('it makes whole numbers of what depends on the images');
    return 'pass';
  },
};

/** The bounds of Clip, which are attributes up to opset 10. */
export function clipBounds(view: NodeView): [number, number] {
  const bound = (name: string, input: number, missing: number) =>
    view.has(input) ? view.numbers(input)[0] : view.number(name, missing);
  return [bound('min', 1, -3.4028234663852886e38), bound('max', 2, 3.4028234663852886e38)];
}

/** More are left to whoever needs them. */
const MOST_FACTORS = 4;

/** |x|; the derivative at 0 is −1. */
function magnitude(x: Variable): Variable {
  return leakyRelu(x, -1);
}

function larger(left: Variable, right: Variable): Variable {
  return addBroadcast(relu(subtract(left, right)), right);
}

function smaller(left: Variable, right: Variable): Variable {
  return subtract(left, relu(subtract(left, right)));
}

/** gamma · x above 0, gamma · alpha · (exp(x) − 1) below. */
function exponential(view: NodeView, gamma: number, alpha: number): Planned {
  const constants = [gamma, gamma * alpha, -1].map(scalar);
  return single(view.shape(0), [0, ...constants], (x, above, below, minus) =>
    addBroadcast(
      multiply(relu(x), above),
      multiply(addBroadcast(exp(clip(x, Number.NEGATIVE_INFINITY, 0)), minus), below),
    ),
  );
}

function scalar(value: number): HostTensor {
  return hostTensor('float', [], [value]);
}

/** Of any number of inputs, from left to right. */
function nary(run: (left: Variable, right: Variable) => Variable) {
  return (view: NodeView): Planned => {
    const operands = Array.from({ length: view.count }, (_, input) => input);
    return single(shapeOfAll(view), operands, (...inputs) => inputs.reduce((left, right) => run(left, right)));
  };
}

/** Beside one number it is a clip, which is exact. */
function bounded(
  view: NodeView,
  boundsOf: (bound: number) => [number, number],
  run: (left: Variable, right: Variable) => Variable,
): Planned {
  const shape = shapeOfAll(view);
  const input = view.count === 2 ? [0, 1].find((one) => view.value(1 - one).constant?.data.length === 1) : undefined;
  if (input === undefined || view.shape(input).join() !== shape.join()) return nary(run)(view);
  const [least, most] = boundsOf(view.numbers(1 - input)[0]);
  return single(shape, [input], (x) => clip(x, least, most));
}

function shapeOfAll(view: NodeView): readonly number[] {
  const shape = broadcast(Array.from({ length: view.count }, (_, input) => view.shape(input)));
  if (!shape) throw shapesDiffer(view);
  return shape;
}

function unary(run: (x: Variable) => Variable): Rule {
  return (view) => single(view.shape(0), [0], run);
}

function binary(run: (left: Variable, right: Variable) => Variable): Rule {
  return (view): Planned => {
    return single(shapeOfAll(view), [0, 1], run);
  };
}

function shapesDiffer(view: NodeView): NodeFault {
  const shapes = Array.from({ length: view.count }, (_, input) => `[${view.shape(input)}]`);
  return new NodeFault(`its inputs' shapes ${shapes.join(', ')} do not go together`);
}
