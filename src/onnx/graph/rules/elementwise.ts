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
import { broadcast, hostTensor } from '../host.js';
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
    view.only('approximate', 'none');
    return single(view.shape(0), [0], gelu);
  },
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
  Sum: (view) => {
    const operands = Array.from({ length: view.count }, (_, input) => input);
    const shape = broadcast(operands.map((input) => view.shape(input)));
    if (!shape) throw shapesDiffer(view);
    return single(shape, operands, (...inputs) => inputs.reduce((sum, input) => addBroadcast(sum, input)));
  },
  Neg: (view) => single(view.shape(0), [0, hostTensor('float', [], [-1])], multiply),
  Reciprocal: (view) => single(view.shape(0), [hostTensor('float', [], [1]), 0], divide),
  Pow: (view) => {
    const exponents = view.numbers(1);
    if (exponents.every((one) => one === 1)) return 'pass';
    if (exponents.every((one) => one === 2)) return single(view.shape(0), [0], (x) => multiply(x, x));
    if (exponents.every((one) => one === 0.5)) return single(view.shape(0), [0], sqrt);
    throw new NodeFault('its exponent is not 0.5, 1 or 2');
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

function unary(run: (x: Variable) => Variable): Rule {
  return (view) => single(view.shape(0), [0], run);
}

function binary(run: (left: Variable, right: Variable) => Variable): Rule {
  return (view): Planned => {
    const shape = broadcast([view.shape(0), view.shape(1)]);
    if (!shape) throw shapesDiffer(view);
    return single(shape, [0, 1], run);
  };
}

function shapesDiffer(view: NodeView): NodeFault {
  const shapes = Array.from({ length: view.count }, (_, input) => `[${view.shape(input)}]`);
  return new NodeFault(`its inputs' shapes ${shapes.join(', ')} do not go together`);
}
