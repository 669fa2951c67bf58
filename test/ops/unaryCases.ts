/** Every function of each element, and its oracle. */
import type { Variable } from '../../src/autograd/variable.js';
import * as ops from '../../src/ops/unary.js';
import * as oracle from '../reference/unary.js';

/** `bends`: where the derivative jumps; inputs of the comparison keep away from there. */
export const CASES: {
  name: string;
  run: (x: Variable) => Variable;
  value: (x: number) => number;
  bends?: number[];
  positive?: true;
}[] = [
  { name: 'leakyRelu', run: (x) => ops.leakyRelu(x, 0.1), value: (x) => oracle.leakyRelu(x, 0.1), bends: [0] },
  { name: 'sigmoid', run: ops.sigmoid, value: oracle.sigmoid },
  {
    name: 'hardSigmoid',
    run: (x) => ops.hardSigmoid(x, 0.2, 0.5),
    value: (x) => oracle.hardSigmoid(x, 0.2, 0.5),
    bends: [-2.5, 2.5],
  },
  { name: 'hardSwish', run: ops.hardSwish, value: oracle.hardSwish, bends: [-3, 3] },
  { name: 'mish', run: ops.mish, value: oracle.mish },
  { name: 'clip', run: (x) => ops.clip(x, -1, 2), value: (x) => oracle.clip(x, -1, 2), bends: [-1, 2] },
  {
    name: 'clip without a lower bound',
    run: (x) => ops.clip(x, Number.NEGATIVE_INFINITY, 2),
    value: (x) => Math.min(x, 2),
    bends: [2],
  },
  { name: 'tanh', run: ops.tanh, value: oracle.tanh },
  { name: 'softplus', run: ops.softplus, value: oracle.softplus },
  { name: 'erf', run: ops.erf, value: oracle.erf },
  { name: 'gelu', run: ops.gelu, value: oracle.gelu },
  { name: 'exp', run: ops.exp, value: oracle.exp },
  { name: 'sqrt', run: ops.sqrt, value: oracle.sqrt, positive: true },
];
