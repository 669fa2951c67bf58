import { broadcast, sizeOfShape } from '../host.js';
import { NodeFault, type NodeView, type Planned, type Rule } from '../nodeView.js';

/** Products of matrices, and softmax: their shapes and floating-point operations are known, but they do not run yet. */
export const PRODUCTS: Record<string, Rule> = {
  MatMul: (view) => {
    const [left, right] = [view.shape(0), view.shape(1)];
    const outer = broadcast([left.slice(0, -2), right.slice(0, -2)]);
    if (left.length < 2 || right.length < 2 || !outer) throw unfit(left, right);
    return product(left, right, outer);
  },
  Gemm: (view) => {
    view.ignore('alpha', 'beta');
    const turned = (name: string, input: number) =>
      view.number(name, 0) === 1 ? [...view.shape(input)].reverse() : view.shape(input);
    return product(turned('transA', 0), turned('transB', 1), []);
  },
  Softmax: (view: NodeView) => {
    view.ignore('axis');
    return { shapes: [view.shape(0)], operands: [0], run: () => [], fault: 'softmax does not run yet' };
  },
};

function product(left: readonly number[], right: readonly number[], outer: readonly number[]): Planned {
  const [depth, wide] = [left[left.length - 1], right[right.length - 1]];
  if (depth !== right[right.length - 2]) throw unfit(left, right);
  const shape = [...outer, left[left.length - 2], wide];
  const flops = 2 * sizeOfShape(shape) * depth;
  return { shapes: [shape], operands: [0, 1], run: () => [], flops, fault: 'products of matrices do not run yet' };
}

function unfit(left: readonly number[], right: readonly number[]): NodeFault {
  return new NodeFault(`[${left}] and [${right}] are not multiplied`);
}
