/**
 * edgewise's detector and its training step in TensorFlow.js, maps [B, H, W, C], which its kernels want. It has Adam but no
 * AdamW: the update is `tf.train.adam`, without weight decay. Group norm is written with `moments`, as there is none.
 */
import * as tf from '@tensorflow/tfjs';
import { detect, GROUP, type Operations } from '../shared/network.js';
import { LEARNING_RATE, type TrainWork } from '../shared/workloads.js';
import { type AssignmentTensors, type HeadTensors, headLoss, uploadAssignment } from './losses.js';

type Parameters = ReadonlyMap<string, tf.Variable>;

function operations(parameters: Parameters): Operations<tf.Tensor4D> {
  const get = (name: string) => {
    const parameter = parameters.get(name);
    if (!parameter) throw new Error(`no parameter ${name}`);
    return parameter;
  };
  return {
    convolve: (input, name, stride = 1) => {
      const weight = get(`${name}.weight`) as tf.Variable<tf.Rank.R4>;
      const output = tf.conv2d(input, weight, stride, (weight.shape[0] - 1) / 2);
      return parameters.has(`${name}.bias`) ? tf.add(output, get(`${name}.bias`)) : output;
    },
    normalise: (input, name) => {
      const [batch, height, width, channels] = input.shape;
      const groups = tf.reshape(input, [batch, height, width, channels / GROUP, GROUP]);
      const { mean, variance } = tf.moments(groups, [1, 2, 4], true);
      const normal = tf.mul(tf.sub(groups, mean), tf.rsqrt(tf.add(variance, 1e-5)));
      return tf.add(tf.mul(tf.reshape(normal, input.shape), get(`${name}.scale`)), get(`${name}.shift`));
    },
    relu: (input) => tf.relu(input),
    add: (a, b) => tf.add(a, b),
    enlarge: (input) => tf.image.resizeNearestNeighbor(input, [2 * input.shape[1], 2 * input.shape[2]]),
    scale: (input, name, element) => tf.mul(input, tf.slice(get(name), [element], [1])),
  };
}

/** The detector with its batch on the device. */
export class TfjsTrainer {
  readonly #work: TrainWork;
  readonly #parameters: Parameters;
  readonly #images: tf.Tensor4D;
  readonly #assigned: AssignmentTensors;
  readonly #optimizer = tf.train.adam(LEARNING_RATE);

  constructor(work: TrainWork) {
    const { config, parameters, batch, images, assignment } = work;
    this.#work = work;
    this.#parameters = new Map(
      Array.from(parameters, ([name, { shape, data }]) => {
        const value = tf.tensor(data, [...shape]);
        // [out, in, k, k] -> [k, k, in, out]
        const placed = shape.length === 4 ? tf.transpose(value, [2, 3, 1, 0]) : value;
        return [name, tf.variable(placed, true, name)];
      }),
    );
    this.#images = tf.transpose(tf.tensor4d(images, [batch, 3, config.height, config.width]), [0, 2, 3, 1]);
    this.#assigned = uploadAssignment(assignment);
  }

  forward(): HeadTensors {
    const { config } = this.#work;
    const { classLogits, boxLogits } = detect(this.#images, config, operations(this.#parameters));
    const rows = (levels: tf.Tensor4D[], columns: number) =>
      tf.concat(levels.map((level) => tf.reshape(level, [-1, columns]))) as tf.Tensor2D;
    return { classLogits: rows(classLogits, config.classes), boxLogits: rows(boxLogits, config.bins) };
  }

  /** Loss and gradients by the parameters' names; weights [k, k, in, out]. The caller disposes them. */
  gradients(): { value: tf.Scalar; grads: tf.NamedTensorMap } {
    return tf.variableGrads(() => headLoss(this.forward(), null, this.#assigned), [...this.#parameters.values()]);
  }

  /** One step; the loss stays the caller's. */
  step(): tf.Scalar {
    const { value, grads } = this.gradients();
    this.#optimizer.applyGradients(Object.entries(grads).map(([name, tensor]) => ({ name, tensor })));
    tf.dispose(grads);
    return value;
  }
}
