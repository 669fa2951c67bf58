import type { Edge } from './host.js';
import type { Step } from './step.js';

/** Operations whose gradients read neither what they took nor what they made, only its shape. */
const READ_NOTHING = new Set([
  ...[
    'Concat',
    'Split',
    'Slice',
    'Gather',
    'Transpose',
    'Reshape',
    'Flatten',
    'Squeeze',
    'Unsqueeze',
    'Pad',
    'ChannelShuffle',
  ],
  ...['DepthToSpace', 'SpaceToDepth', 'Resize', 'Upsample', 'AveragePool', 'GlobalAveragePool', 'ReduceMean'],
]);
/** Operations whose gradients read what they took, but not what they made. */
const READ_INPUTS = new Set([
  ...['Conv', 'ConvTranspose', 'MaxPool', 'MatMul', 'Mul', 'Div', 'Sub', 'PRelu'],
  ...[
    'Relu',
    'LeakyRelu',
    'Sigmoid',
    'HardSigmoid',
    'HardSwish',
    'Silu',
    'Mish',
    'Clip',
    'Tanh',
    'Softplus',
    'Erf',
    'Gelu',
    'Exp',
    'Sqrt',
  ],
  ...['InstanceNormalization', 'GroupNormalization', 'GroupNorm', 'LayerNormalization', 'BatchNormalization'],
]);

/**
 * For each step, the tensors that its gradient reads, of those that it takes and makes; of an operation that is not known here all.
 * What no gradient reads can go as soon as no step takes it any more.
 */
export function readByGradients(steps: readonly Step[]): Edge[][] {
  const shapes = new Map(steps.flatMap(({ outputs, shapes }) => outputs.map((edge, i) => [edge, shapes[i]] as const)));
  return steps.map((step) => {
    const { operator, inputs, outputs, traits } = step;
    // A sum of tensors of one shape passes its gradient on.
    const isPlainSum = operator === 'Add' && inputs.every((edge) => shapes.get(edge)?.join() === step.shapes[0].join());
    if (isPlainSum || READ_NOTHING.has(operator)) return [];
    return READ_INPUTS.has(operator) && !traits?.readsResult ? [...inputs] : [...inputs, ...outputs];
  });
}
