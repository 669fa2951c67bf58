import clipSource from '../../shaders/ops/unary/clip.wgsl';
import erfSource from '../../shaders/ops/unary/erf.wgsl';
import expSource from '../../shaders/ops/unary/exp.wgsl';
import geluSource from '../../shaders/ops/unary/gelu.wgsl';
import hardSigmoidSource from '../../shaders/ops/unary/hard_sigmoid.wgsl';
import hardSwishSource from '../../shaders/ops/unary/hard_swish.wgsl';
import leakyReluSource from '../../shaders/ops/unary/leaky_relu.wgsl';
import logisticSource from '../../shaders/ops/unary/logistic.wgsl';
import mishSource from '../../shaders/ops/unary/mish.wgsl';
import softplusSource from '../../shaders/ops/unary/softplus.wgsl';
import sqrtSource from '../../shaders/ops/unary/sqrt.wgsl';
import tanhSource from '../../shaders/ops/unary/tanh.wgsl';
import bodySource from '../../shaders/ops/unary.wgsl';
import gradientSource from '../../shaders/ops/unary_gradient.wgsl';
import { emptyLike } from '../autograd/sum.js';
import { Variable } from '../autograd/variable.js';
import { composed } from '../gpu/composed.js';
import { storedForms } from '../tensor/stored.js';
import type { Tensor } from '../tensor/tensor.js';
import { number } from '../util/argument.js';
import { InputError } from '../util/error.js';

const forms = {
  leakyRelu: leakyReluSource,
  sigmoid: logisticSource,
  hardSigmoid: hardSigmoidSource,
  hardSwish: hardSwishSource,
  mish: mishSource,
  clip: clipSource,
  tanh: tanhSource,
  softplus: softplusSource,
  erf: erfSource,
  gelu: geluSource,
  exp: expSource,
  sqrt: sqrtSource,
};
const FORWARD = storedForms(composed('unary', bodySource, forms));
const BACKWARD = storedForms(composed('unary gradient', gradientSource, forms));
const LARGEST = 3.4028234663852886e38;

/** x for x > 0, else alpha · x. The derivative at 0 is alpha. @throws InputError when alpha is no finite number */
export function leakyRelu<T extends Tensor>(x: Variable<T>, alpha: number): Variable<T> {
  number('alpha', alpha);
  return unary('leakyRelu', x, alpha);
}

/** 1 / (1 + exp(−x)). */
export function sigmoid<T extends Tensor>(x: Variable<T>): Variable<T> {
  return unary('sigmoid', x);
}

/** alpha · x + beta, held in [0, 1]. @throws InputError when alpha or beta is no finite number */
export function hardSigmoid<T extends Tensor>(x: Variable<T>, alpha: number, beta: number): Variable<T> {
  number('alpha', alpha);
  number('beta', beta);
  return unary('hardSigmoid', x, alpha, beta);
}

/** x · clamp(x / 6 + 1/2, 0, 1) (Howard et al., 2019). */
export function hardSwish<T extends Tensor>(x: Variable<T>): Variable<T> {
  return unary('hardSwish', x);
}

/** x · tanh(ln(1 + exp(x))) (Misra, 2019). */
export function mish<T extends Tensor>(x: Variable<T>): Variable<T> {
  return unary('mish', x);
}

/** x, held in [min, max]; either may be infinite. The gradient passes at the bounds. @throws InputError when min is above max */
export function clip<T extends Tensor>(x: Variable<T>, min: number, max: number): Variable<T> {
  if (!(min <= max)) throw new InputError(`min: ${min}; expected a number not above max, ${max}.`);
  return unary('clip', x, Math.max(min, -LARGEST), Math.min(max, LARGEST));
}

/** (exp(x) − exp(−x)) / (exp(x) + exp(−x)). */
export function tanh<T extends Tensor>(x: Variable<T>): Variable<T> {
  return unary('tanh', x);
}

/** ln(1 + exp(x)). */
export function softplus<T extends Tensor>(x: Variable<T>): Variable<T> {
  return unary('softplus', x);
}

/** 2/√π ∫₀ˣ exp(−t²) dt, within 2e-7. */
export function erf<T extends Tensor>(x: Variable<T>): Variable<T> {
  return unary('erf', x);
}

/** x · (1 + erf(x / √2)) / 2 (Hendrycks and Gimpel, 2016), within 2e-7 · |x|. */
export function gelu<T extends Tensor>(x: Variable<T>): Variable<T> {
  return unary('gelu', x);
}

/** exp(x); of x above 88, where f32 overflows, exp(88). */
export function exp<T extends Tensor>(x: Variable<T>): Variable<T> {
  return unary('exp', x);
}

/** √x; 0 for x below 0. The derivative where x ≤ 0 is taken as 0. */
export function sqrt<T extends Tensor>(x: Variable<T>): Variable<T> {
  return unary('sqrt', x);
}

function unary<T extends Tensor>(form: keyof typeof forms, x: Variable<T>, alpha = 0, beta = 0): Variable<T> {
  const { value } = x;
  const { device } = value;
  const output = emptyLike(value);
  const count = Math.ceil(value.size / 4);
  const params = { count, alpha, beta };
  device.run({
    kernel: FORWARD(form, value),
    bindings: { input: value.range4, output: output.range4 },
    params,
    invocations: count,
  });
  return Variable.from(output, [x], (incoming) => {
    const gradient = emptyLike(value);
    device.run({
      kernel: BACKWARD(form, value, incoming),
      bindings: { input: value.range4, incoming: incoming.range4, gradient: gradient.range4 },
      params,
      invocations: count,
    });
    return [gradient];
  });
}
