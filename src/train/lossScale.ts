import lossScaleSource, { constants } from '../../shaders/train/loss_scale.wgsl';
import { scaleGradient } from '../losses/scaleGradient.js';
import type { Device } from '../tensor/device.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Optimizer } from './optimizer.js';

const LOSS_SCALE = { name: 'loss scale', source: lossScaleSource };

/** The smallest: where even this is too large, gradients leave the range of f32's own losses. */
export const { LEAST } = constants;

/** Where a scale is. Plain JSON; checkpoints hold it. */
export interface LossScaleState {
  /** What the gradients of the losses are multiplied by, a power of two. */
  scale: number;
  /** Updates since it last changed. */
  updates: number;
  /** Updates skipped since the training began: a gradient was not finite. */
  skipped: number;
}

/** Gradients of the head loss reach 10⁻⁷, below f16's smallest; times this they are in its range, and far from 65504. */
const START: LossScaleState = { scale: 4096, updates: 0, skipped: 0 };

/**
 * Keeps gradients that are stored in f16 within its range: what comes into the backward pass is multiplied by a scale, and parameters'
 * gradients are divided by it before they are used. The scale adapts on the GPU (shaders/train/loss_scale.wgsl); nothing is read back.
 */
export class LossScale {
  readonly #scale: Tensor;
  /** `State` of the kernel. */
  readonly #state: Tensor;

  /** Takes its memory on the device. */
  constructor(device: Device) {
    this.#scale = device.keep(device.empty([1]));
    this.#state = device.keep(device.empty([4]));
    this.write(START);
  }

  /** [1 / scale, …], what parameters' gradients are multiplied by. */
  get inverse(): Tensor {
    return this.#state;
  }

  /** Records the multiplication of gradients that come into a backward pass, in place. */
  apply(gradients: readonly Tensor[]): void {
    for (const gradient of gradients) scaleGradient(gradient, this.#scale);
  }

  /** Records what follows from the update that an optimizer has just made, or skipped. */
  adjust({ control }: Optimizer): void {
    this.#scale.device.run({
      kernel: LOSS_SCALE,
      bindings: { control: control.range, scale: this.#scale.range, state: this.#state.range },
      workgroups: [1, 1, 1],
    });
  }

  /** Waits for the GPU. */
  async read(): Promise<LossScaleState> {
    const [inverse, updates, skipped] = await this.#state.read();
    return { scale: 1 / inverse, updates, skipped };
  }

  /** Goes on from a state. */
  write({ scale, updates, skipped }: LossScaleState): void {
    this.#scale.write([scale]);
    this.#state.write([1 / scale, updates, skipped, 0]);
  }

  /** Frees its memory. */
  dispose(): void {
    this.#scale.dispose();
    this.#state.dispose();
  }
}
