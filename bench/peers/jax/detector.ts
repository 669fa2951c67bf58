/**
 * edgewise's detector and its training step in jax-js: one jitted function from parameters, moments and batch to the next
 * parameters and moments, with AdamW written out (jax-js has no optimizers of its own).
 */
import { blockUntilReady, jit, lax, numpy as np, tree, valueAndGrad } from '@jax-js/jax';
import type { DetectorConfig } from '../../../src/detector/config.js';
import { detect, GROUP, type Operations } from '../shared/network.js';
import { LEARNING_RATE, type TrainWork, WEIGHT_DECAY } from '../shared/workloads.js';
import { type AssignmentArrays, type HeadArrays, headLoss, uploadAssignment } from './losses.js';

export type Parameters = { [name: string]: np.Array };

function operations(parameters: Parameters): Operations<np.Array> {
  /** [C] beside maps [B, C, H, W] */
  const channels = (name: string) => parameters[name].ref.reshape([-1, 1, 1]);
  return {
    convolve: (input, name, stride = 1) => {
      const weight = parameters[`${name}.weight`].ref;
      const padding = (weight.shape[2] - 1) / 2;
      const output = lax.convGeneralDilated(
        input.ref,
        weight,
        [stride, stride],
        [
          [padding, padding],
          [padding, padding],
        ],
      );
      return `${name}.bias` in parameters ? output.add(channels(`${name}.bias`)) : output;
    },
    normalise: (input, name) => {
      const [batch, count] = input.shape;
      const groups = input.ref.reshape([batch, count / GROUP, -1]);
      const centred = groups.ref.sub(groups.mean(-1, { keepdims: true }));
      const variance = np.square(centred.ref).mean(-1, { keepdims: true });
      const normal = centred.div(np.sqrt(variance.add(1e-5))).reshape(input.shape);
      return normal.mul(channels(`${name}.scale`)).add(channels(`${name}.shift`));
    },
    relu: (input) => np.maximum(input.ref, 0),
    add: (a, b) => a.ref.add(b.ref),
    enlarge: (input) => np.repeat(np.repeat(input.ref, 2, 2), 2, 3),
    scale: (input, name, element) => input.ref.mul(parameters[name].ref.slice(element)),
  };
}

/** Logits of all levels as rows. @param images [B, 3, H, W] */
function forward(parameters: Parameters, images: np.Array, config: DetectorConfig): HeadArrays {
  const { classLogits, boxLogits } = detect(images, config, operations(parameters));
  const rows = (levels: np.Array[], shape: number[]) =>
    np.concatenate(
      levels.map((level) => level.transpose([0, 2, 3, 1]).reshape([-1, ...shape])),
      0,
    );
  return { classLogits: rows(classLogits, [config.classes]), boxLogits: rows(boxLogits, [4, config.bins]) };
}

/** A function from parameters, images and assignment to the loss and its gradients by the parameters' names. */
export function lossAndGradients(config: DetectorConfig) {
  return valueAndGrad((parameters: Parameters, images: np.Array, assigned: AssignmentArrays) =>
    headLoss(forward(parameters, images, config), null, assigned),
  );
}

/** Initial parameters and batch on the device. */
export function uploadTraining({ config, parameters, batch, images, assignment }: TrainWork) {
  return {
    parameters: mapEntries(Object.fromEntries(parameters), ({ shape, data }) =>
      np.array(data.slice()).reshape([...shape]),
    ),
    images: np.array(images as Float32Array<ArrayBuffer>).reshape([batch, 3, config.height, config.width]),
    assigned: uploadAssignment(assignment),
  };
}

const BETA1 = 0.9;
const BETA2 = 0.999;

/** Parameters and AdamW's moments. */
type TrainState = { parameters: Parameters; first: Parameters; second: Parameters };

/** The detector with its batch on the device. */
export class JaxTrainer {
  #state: TrainState;
  #steps = 0;
  readonly #batch: { images: np.Array; assigned: AssignmentArrays };
  readonly #step: (
    state: TrainState,
    images: np.Array,
    assigned: AssignmentArrays,
    rest: np.Array,
  ) => [np.Array, TrainState];

  constructor(work: TrainWork) {
    const { parameters, ...batch } = uploadTraining(work);
    const zeros = () => mapEntries(parameters, (parameter) => np.zeros(parameter.shape));
    this.#batch = batch;
    this.#state = { parameters, first: zeros(), second: zeros() };
    const gradientsOf = lossAndGradients(work.config);
    // One compiled function a step: everything between its inputs and outputs may be fused.
    this.#step = jit(
      (state: TrainState, images: np.Array, assigned: AssignmentArrays, rest: np.Array): [np.Array, TrainState] => {
        const [loss, gradients] = gradientsOf(tree.ref(state.parameters), images, assigned);
        return [loss, adamw(state, gradients as Parameters, rest)];
      },
    );
  }

  /** One step; resolves when it has run. */
  async step(): Promise<void> {
    const t = ++this.#steps;
    const { images, assigned } = this.#batch;
    // What the bias corrections divide by.
    const rest = np.array([1 - BETA1 ** t, 1 - BETA2 ** t]);
    const [loss, state] = this.#step(this.#state, images.ref, tree.ref(assigned), rest);
    this.#state = state;
    await blockUntilReady([loss, state]);
    loss.dispose();
  }
}

/** AdamW (Loshchilov and Hutter, 2019) as in torch.optim; weights of convolutions decay. */
function adamw(state: TrainState, gradients: Parameters, rest: np.Array): TrainState {
  const next: TrainState = { parameters: {}, first: {}, second: {} };
  for (const [name, gradient] of Object.entries(gradients)) {
    const first = state.first[name].mul(BETA1).add(gradient.ref.mul(1 - BETA1));
    const second = state.second[name].mul(BETA2).add(np.square(gradient).mul(1 - BETA2));
    const mean = first.ref.div(rest.ref.slice(0));
    const deviation = np.sqrt(second.ref.div(rest.ref.slice(1))).add(1e-8);
    const decay = name.endsWith('.weight') ? WEIGHT_DECAY : 0;
    next.parameters[name] = state.parameters[name]
      .mul(1 - LEARNING_RATE * decay)
      .sub(mean.div(deviation).mul(LEARNING_RATE));
    next.first[name] = first;
    next.second[name] = second;
  }
  return next;
}

function mapEntries<A, B>(entries: { [name: string]: A }, convert: (value: A) => B): { [name: string]: B } {
  return Object.fromEntries(Object.entries(entries).map(([name, value]) => [name, convert(value)]));
}
