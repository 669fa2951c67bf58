import { addBroadcast, multiply } from '../../../ops/binary.js';
import { reshape, transpose } from '../../../ops/layout.js';
import { matMul, softmaxAxis } from '../../../ops/matmul.js';
import { broadcast, hostTensor, sizeOfShape } from '../host.js';
import { NodeFault, type Rule, single } from '../nodeView.js';

/** Products of matrices, and softmax. */
export const PRODUCTS: Record<string, Rule> = {
  MatMul: (view) => {
    const [left, right] = [view.shape(0), view.shape(1)];
    const outer = broadcast([left.slice(0, -2), right.slice(0, -2)]);
    if (left.length < 2 || right.length < 2 || !outer || left[left.length - 1] !== right[right.length - 2]) {
      throw new NodeFault(`[${left}] and [${right}] are not multiplied`);
    }
    const shape = [...outer, left[left.length - 2], right[right.length - 1]];
    const planned = single(shape, [0, 1], matMul);
    return { ...planned, flops: 2 * sizeOfShape(shape) * left[left.length - 1] };
  },
  Gemm: (view) => {
    const [alpha, beta] = [view.number('alpha', 1), view.number('beta', 1)];
    const isTurned = [view.number('transA', 0) === 1, view.number('transB', 0) === 1];
    const [left, right] = [0, 1].map((input) =>
      isTurned[input] ? [...view.shape(input)].reverse() : view.shape(input),
    );
    if (left.length !== 2 || right.length !== 2 || left[1] !== right[0]) {
      throw new NodeFault(`[${left}] and [${right}] are not multiplied`);
    }
    const shape = [left[0], right[1]];
    const factor = (value: number) => hostTensor('float', [], [value]);
    return {
      shapes: [shape],
      operands: [0, 1, factor(alpha), factor(beta), ...(view.has(2) ? [2] : [])],
      run: ([a, b, alphaFactor, betaFactor, bias]) => {
        const [x, y] = [a, b].map((one, input) => (isTurned[input] ? transpose(one, [1, 0]) : one));
        const product = matMul(x, y);
        const scaled = alpha === 1 ? product : multiply(product, alphaFactor);
        if (!bias) return [scaled];
        return [addBroadcast(scaled, beta === 1 ? bias : multiply(bias, betaFactor))];
      },
      flops: 2 * sizeOfShape(shape) * left[1],
    };
  },
  Softmax: (view) => {
    const shape = view.shape(0);
    const isOld = view.opset < 13;
    const axis = view.axis(view.number('axis', isOld ? 1 : -1));
    if (!isOld || axis === shape.length - 1) return single(shape, [0], (x) => softmaxAxis(x, axis));
    // Up to opset 12 it is over all dimensions from the axis on.
    const flat = [sizeOfShape(shape.slice(0, axis)), sizeOfShape(shape.slice(axis))];
    return single(shape, [0], (x) => reshape(softmaxAxis(reshape(x, flat), 1), shape));
  },
};
