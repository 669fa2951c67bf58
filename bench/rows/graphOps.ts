import { Variable } from '../../src/autograd/variable.js';
import { convolution } from '../../src/ops/convolution.js';
import { channelShuffle } from '../../src/ops/distribute.js';
import { groupNormMaps } from '../../src/ops/groupNorm.js';
import { layerNorm } from '../../src/ops/layerNorm.js';
import { maxPool2d } from '../../src/ops/pooling.js';
import { resize2d } from '../../src/ops/resize.js';
import { leakyRelu } from '../../src/ops/unary.js';
import { sizeOf } from '../../src/tensor/tensor.js';
import { copyOf } from '../copy.js';
import { noise } from '../noise.js';
import type { Row } from '../row.js';

/** An operation of graphs, of its inputs. */
interface Operation {
  name: string;
  what: string;
  /** Shapes of the inputs; the first ones are maps. */
  inputs: readonly (readonly number[])[];
  run: (...inputs: Variable[]) => Variable;
  /** Which inputs have gradients; none: the row is of the forward pass. */
  wanted?: (input: number) => boolean;
  /** Elements read and written. */
  elements: (output: number) => number;
  /** Whether a row of gradients has the forward pass, too: what that leaves serves one backward. */
  withForward?: boolean;
}

const MAP = [8, 116, 40, 40];
const AREA = sizeOf(MAP);

/** Depthwise convolutions of a window and a stride: forward, gradient of the input, gradients of weight and bias. */
function depthwise(kernel: number, stride: number): Operation[] {
  const pad = (kernel - 1) / 2;
  const options = { strides: [stride, stride], pads: [pad, pad, pad, pad], dilations: [1, 1], groups: MAP[1] };
  const parts: [string, Operation['wanted']][] = [
    ['forward', undefined],
    ['input-gradient', (input) => input === 0],
    ['weight-gradient', (input) => input !== 0],
  ];
  return parts.map(([part, wanted]) => ({
    name: `depthwise${kernel}x${kernel}-stride${stride}-${part}`,
    what: `${part.replace('-', ' ')} of a depthwise convolution ${kernel}×${kernel}, stride ${stride}`,
    inputs: [MAP, [MAP[1], 1, kernel, kernel], [MAP[1]]],
    run: (x, weight, bias) => convolution(x, weight, bias, options),
    ...(wanted && { wanted }),
    elements: (output) => AREA + output,
  }));
}

/** An operation forward, and its gradients. */
function both(operation: Operation, backward: Operation['elements']): Operation[] {
  const { name } = operation;
  const gradients = { name: `${name}-gradient`, wanted: () => true, elements: backward };
  const what = `${operation.withForward ? 'forward and gradients' : 'gradients'} of ${operation.what}`;
  return [operation, { ...operation, ...gradients, what }];
}

const CHANNEL = [MAP[1]];
const OPERATIONS: Operation[] = [
  ...depthwise(3, 1),
  ...depthwise(3, 2),
  ...depthwise(5, 1),
  ...depthwise(5, 2),
  ...both(
    {
      name: 'channel-shuffle',
      what: 'channel shuffle of two maps of half the channels',
      inputs: [0, 1].map(() => [MAP[0], MAP[1] / 2, MAP[2], MAP[3]]),
      run: (...xs) => channelShuffle(xs, [MAP[1]])[0],
      elements: () => 2 * AREA,
      withForward: true,
    },
    () => 4 * AREA,
  ),
  ...both(
    {
      name: 'leaky-relu',
      what: 'LeakyReLU',
      inputs: [MAP],
      run: (x) => leakyRelu(x, 0.1),
      elements: () => 2 * AREA,
    },
    () => 3 * AREA,
  ),
  ...both(
    {
      name: 'instance-norm',
      what: 'instance norm',
      inputs: [MAP, CHANNEL, CHANNEL],
      run: (x, scale, shift) => groupNormMaps(x, scale, shift, { groups: MAP[1] }),
      elements: () => 2 * AREA,
      withForward: true,
    },
    () => 5 * AREA,
  ),
  ...both(
    {
      name: 'layer-norm',
      what: 'layer norm of rows of 232',
      inputs: [[AREA / 232, 232], [232], [232]],
      run: (x, scale, shift) => layerNorm(x, scale, shift, 1e-5),
      elements: () => 2 * AREA,
      withForward: true,
    },
    () => 5 * AREA,
  ),
  ...both(
    {
      name: 'max-pool',
      what: 'largest of 3×3 by strides of 2',
      inputs: [MAP],
      run: (x) => maxPool2d(x, { kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
      elements: (output) => AREA + output,
    },
    (output) => 2 * AREA + 2 * output,
  ),
  ...both(
    {
      name: 'resize-linear',
      what: 'bilinear resize to twice the size',
      inputs: [[MAP[0], MAP[1], MAP[2] / 2, MAP[3] / 2]],
      run: (x) =>
        resize2d(x, { height: MAP[2], width: MAP[3], mode: 'linear', coordinates: 'half_pixel', nearest: 'floor' }),
      elements: (output) => AREA / 4 + output,
    },
    (output) => AREA / 4 + output,
  ),
];

/** A row for each operation that graphs of ONNX models are made of, on maps [8, 116, 40, 40]. */
export function graphOpsRows(): Row[] {
  return OPERATIONS.map(({ name, what, inputs, run, wanted, elements, withForward }) => ({
    name,
    what,
    group: 'graph-ops',
    onlyFull: true,
    prepare: (device) => {
      const given = inputs.map((shape) => noise(device, shape));
      const variables = given.map((tensor, input) => new Variable(tensor, wanted?.(input) ?? false));
      const output = run(...variables);
      const incoming = noise(device, output.value.shape);
      const bytes = 4 * elements(incoming.size);
      const record = () => {
        if (!wanted) run(...variables);
        else (withForward ? run(...variables) : output).pullback?.(incoming, () => null);
      };
      return { record, bytes, copy: copyOf(device, bytes), flop: null };
    },
  }));
}
