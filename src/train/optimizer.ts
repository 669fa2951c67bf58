import adamwSource from '../../shaders/train/adamw.wgsl';
import averageSource from '../../shaders/train/average.wgsl';
import clipSource from '../../shaders/train/clip.wgsl';
import gradientNormSource from '../../shaders/train/gradient_norm.wgsl';
import sgdSource from '../../shaders/train/sgd.wgsl';
import { one } from '../autograd/one.js';
import { ParameterStore } from '../autograd/parameters.js';
import type { Tensor } from '../tensor/tensor.js';
import { integer, numberFrom, oneOf, optional, options, refuse } from '../util/argument.js';

const GRADIENT_NORM = { name: 'gradientNorm', source: gradientNormSource };
const CLIP = { name: 'clip', source: clipSource };
const SGD = { name: 'sgd', source: sgdSource };
const ADAMW = { name: 'adamw', source: adamwSource };
const AVERAGE = { name: 'average', source: averageSource };

// The defaults of PyTorch's AdamW.
const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

/** Fixed, so that one workgroup adds what they leave and the order never changes. */
const NORM_LANES = 1024;

/** The settings of an optimizer. */
export interface OptimizerSettings {
  /** SGD with momentum, or AdamW with decoupled weight decay (Loshchilov and Hutter, ICLR 2019). */
  optimizer: 'sgd' | 'adamw';
  /** SGD's momentum; AdamW has its own 0.9 and 0.999. */
  momentum: number;
  /** Applies to the decayed elements of the parameter store only. */
  weightDecay: number;
  /** Largest norm of all gradients together; 0: no clipping. */
  clip: number;
  /** Decay of the exponential moving average of the parameters; 0: none is kept. */
  ema: number;
  /** Batches whose mean gradient is one update's; 1 unless given. */
  accumulate?: number;
}

const SETTINGS = options({
  optimizer: oneOf('sgd', 'adamw'),
  momentum: numberFrom(0, 1),
  weightDecay: numberFrom(0),
  clip: numberFrom(0),
  ema: numberFrom(0, 1),
  accumulate: optional(integer(1)),
});

/**
 * SGD with momentum or AdamW over the flat buffers of a parameter store, with global norm clipping and a moving average, all on the GPU:
 * nothing is read back. An update with a NaN or infinite gradient is skipped as a whole, and counted.
 */
export class Optimizer {
  /** What it updates. */
  readonly parameters: ParameterStore;
  /** As they were given. */
  readonly settings: OptimizerSettings;
  /** The optimizer's memory by name, each flat as `parameters.values`: `momentum`, or `first` and `second`. */
  readonly state: Readonly<Record<string, Tensor>>;
  /** The moving average of `parameters.values`; null without one. */
  readonly average: Tensor | null;
  /** Updates begun, skipped ones included; set it when going on from a checkpoint. */
  updates = 0;
  readonly #partials: Tensor;
  /** Of the learning rate, one for 64 elements; 0 where frozen. */
  readonly #factors: Tensor;
  /** Control of shaders/train/control.wgsl: what the last update found and decided. */
  readonly control: Tensor;
  /** Scalars of it. */
  readonly #scalars: Tensor;

  /**
   * Takes memory for its state on the parameters' device.
   * @param factors of the learning rate, by parameter; 1 where none is given. Frozen parameters stay as they are
   * @throws InputError that names a setting out of range
   */
  constructor(
    parameters: ParameterStore,
    settings: OptimizerSettings,
    factors: ReadonlyMap<string, number> = new Map(),
  ) {
    if (!(parameters instanceof ParameterStore)) {
      refuse('parameters', parameters, 'a ParameterStore, such as the .parameters of a detector');
    }
    SETTINGS('settings', settings);
    const { device, values } = parameters;
    const zeros = () => device.keep(device.zeros([values.size]));
    this.parameters = parameters;
    this.settings = settings;
    this.state = settings.optimizer === 'sgd' ? { momentum: zeros() } : { first: zeros(), second: zeros() };
    this.average = settings.ema > 0 ? device.keep(device.empty([values.size])) : null;
    this.#partials = device.keep(device.empty([NORM_LANES, 2]));
    const rates = parameters.spread((name) => (parameters.get(name).requiresGradient ? (factors.get(name) ?? 1) : 0));
    this.#factors = device.keep(device.tensor(rates));
    this.control = device.keep(device.zeros([4], 'u32'));
    this.#scalars = device.keep(device.empty([4]));
    this.restartAverage();
  }

  /** Sets the moving average to the current parameters. */
  restartAverage(): void {
    const { device, values } = this.parameters;
    if (this.average)
      device.copy(values.buffer, values.offset, this.average.buffer, this.average.offset, 4 * values.size);
  }

  /**
   * Uploads the scalars of the next update. Call it before a step's first dispatch: an upload submits what was recorded. The average's decay is
   * `settings.ema`, or (1 + t)/(10 + t) while that is less, to forget the random start (TensorFlow's ExponentialMovingAverage with num_updates).
   */
  begin(learningRate: number): void {
    numberFrom(0)('learningRate', learningRate);
    const t = ++this.updates;
    this.#scalars.write([
      learningRate,
      1 - BETA1 ** t,
      Math.sqrt(1 - BETA2 ** t),
      Math.min(this.settings.ema, (1 + t) / (10 + t)),
    ]);
  }

  /**
   * Records the update from `parameters.gradients`, the sum over `settings.accumulate` batches, after `begin`.
   * @param unscale its first element is what the gradients are multiplied by before; default 1
   */
  update(unscale: Tensor = one(this.parameters.device)): void {
    const { device, values, gradients, decayedElements } = this.parameters;
    const { clip, momentum, weightDecay, optimizer, accumulate = 1 } = this.settings;
    const count = values.size / 4; // the store pads every parameter to 64 elements
    const decayed = decayedElements / 4;
    device.run({
      kernel: GRADIENT_NORM,
      bindings: { gradients: gradients.range, partials: this.#partials.range },
      params: { count, lanes: NORM_LANES },
      invocations: NORM_LANES,
    });
    const control = this.control.range;
    device.run({
      kernel: CLIP,
      bindings: { partials: this.#partials.range, control, unscale: unscale.range },
      params: { clip, partial_count: NORM_LANES, share: 1 / accumulate },
      workgroups: [1, 1, 1],
    });
    const shared = { control, scalars: this.#scalars.range, values: values.range };
    const factors = this.#factors.range;
    const state = Object.fromEntries(Object.entries(this.state).map(([name, tensor]) => [name, tensor.range]));
    device.run({
      kernel: optimizer === 'sgd' ? SGD : ADAMW,
      bindings: { ...shared, ...state, factors, gradients: gradients.range },
      params:
        optimizer === 'sgd'
          ? { count, decayed, momentum, weight_decay: weightDecay }
          : {
              count,
              decayed,
              beta1: BETA1,
              beta2: BETA2,
              rest1: 1 - BETA1,
              rest2: 1 - BETA2,
              epsilon: EPSILON,
              weight_decay: weightDecay,
            },
      invocations: count,
    });
    if (this.average) {
      device.run({
        kernel: AVERAGE,
        bindings: { ...shared, averages: this.average.range },
        params: { count },
        invocations: count,
      });
    }
  }

  /** Runs `work` with the moving average (if one is kept) as the parameters, for evaluation. */
  async usingAverage<T>(work: () => Promise<T>): Promise<T> {
    const { device, values } = this.parameters;
    const { average } = this;
    if (!average) return work();
    const bytes = 4 * values.size;
    const trained = device.keep(device.empty([values.size]));
    device.copy(values.buffer, values.offset, trained.buffer, trained.offset, bytes);
    device.copy(average.buffer, average.offset, values.buffer, values.offset, bytes);
    try {
      return await work();
    } finally {
      device.copy(trained.buffer, trained.offset, values.buffer, values.offset, bytes);
      trained.dispose();
    }
  }

  /** Reads the `norm` of the last gradients before clipping, and the updates `skipped` since the last call; waits for the GPU. */
  async readControl(): Promise<{ norm: number; skipped: number }> {
    const words = (await this.control.read()) as Uint32Array<ArrayBuffer>;
    const skipped = words[2];
    if (skipped > 0) this.control.write([0, 0, 0, 0]);
    return { norm: new Float32Array(words.buffer)[3], skipped };
  }

  /** Frees its memory and the moving average; the parameters stay. */
  dispose(): void {
    const own = [this.#partials, this.#factors, this.control, this.#scalars];
    for (const tensor of [...Object.values(this.state), ...own]) tensor.dispose();
    this.average?.dispose();
  }
}
