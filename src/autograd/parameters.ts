import type { Device } from '../tensor/device.js';
import { openedDevice } from '../tensor/deviceArgument.js';
import { assertShape, sizeOf, type Tensor } from '../tensor/tensor.js';
import { fields, flag, listOf, numbers, text } from '../util/argument.js';
import { InputError } from '../util/error.js';
import { Variable } from './variable.js';

/** A trainable tensor before it has memory. */
export interface ParameterDeclaration {
  /** Unique, dotted: `backbone.stage1.0.conv1.weight`; the name in checkpoints. */
  name: string;
  /** Row-major; a convolution's weight has [O, I, k, k]. */
  shape: readonly number[];
  /** Whether weight decay applies: to weights of convolutions, not to biases, norms and scales. */
  decay: boolean;
  /** Initial values, one for each element of the shape. */
  initial: Float32Array;
}

/** A parameter on the host. */
export interface ParameterValues<Data extends ArrayLike<number> = ArrayLike<number>> {
  /** The parameter's. */
  shape: readonly number[];
  /** Row-major. */
  data: Data;
}

/** Neighbouring parameters of a store. */
export interface GradientPiece {
  /** Their leaves. */
  variables: Variable[];
  /** Their part of the store's gradients, padding included. */
  gradients: Tensor;
}

/** Views start at multiples of this many bytes, which every device can bind. */
const ALIGNMENT = 256;

const declared = listOf(
  fields({ name: text, shape: assertShape, decay: flag, initial: numbers }),
  'declarations { name, shape, decay, initial }',
);

/**
 * All parameters of a model in one buffer, their gradients in another: an optimizer step is one dispatch, a checkpoint one
 * read. Decayed parameters come first.
 */
export class ParameterStore {
  /** Where the parameters are. */
  readonly device: Device;
  /** In the order of the declarations. */
  readonly names: readonly string[];
  /** All values, flat; padding between parameters stays zero. */
  readonly values: Tensor;
  /** The gradients, laid out as the values. */
  readonly gradients: Tensor;
  /** Weight decay applies to the elements before this one. */
  readonly decayedElements: number;
  /** Elements without the padding. */
  readonly count: number;
  readonly #variables = new Map<string, Variable>();
  #frozen: ReadonlySet<string> = new Set();
  readonly #starts = new Map<string, number>();

  /** @throws InputError when two parameters have one name or an initial value does not fit its shape */
  constructor(device: Device, declarations: readonly ParameterDeclaration[]) {
    openedDevice('device', device);
    declared('declarations', declarations);
    this.device = device;
    this.names = declarations.map(({ name }) => name);
    this.count = declarations.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    const ordered = [...declarations.filter(({ decay }) => decay), ...declarations.filter(({ decay }) => !decay)];
    let elements = 0;
    let decayed = 0;
    for (const { name, shape, decay, initial } of ordered) {
      if (this.#starts.has(name)) throw new InputError(`parameter ${name}: declared twice.`);
      if (initial.length !== sizeOf(shape)) {
        throw new InputError(`parameter ${name}: ${initial.length} initial values for the shape [${shape}].`);
      }
      this.#starts.set(name, elements);
      elements = Math.ceil((elements + initial.length) / (ALIGNMENT / 4)) * (ALIGNMENT / 4);
      if (decay) decayed = elements;
    }
    this.decayedElements = decayed;
    const flat = new Float32Array(elements);
    for (const { name, initial } of ordered) flat.set(initial, this.#start(name));
    this.values = device.keep(device.tensor(flat));
    this.gradients = device.keep(device.zeros([elements]));
    for (const { name, shape } of declarations) {
      const variable = new Variable(this.values.view(shape, this.#start(name)), true);
      variable.gradient = this.gradients.view(shape, this.#start(name));
      this.#variables.set(name, variable);
    }
  }

  /**
   * From now on these parameters, and no others, are constants: `get` gives them without a gradient, and nothing that only they need is
   * computed.
   * @throws InputError for an unknown name
   */
  freeze(names: Iterable<string>): void {
    const frozen = new Set(names);
    for (const name of frozen) this.get(name);
    this.#frozen = frozen;
  }

  /** A number for each run of 64 elements of `values`: that of the parameter which lies there. */
  spread(numberOf: (name: string) => number): Float32Array<ArrayBuffer> {
    const run = ALIGNMENT / 4;
    const spread = new Float32Array(this.values.size / run);
    for (const [name, start] of this.#starts) {
      const { size } = this.get(name).value;
      spread.fill(numberOf(name), start / run, Math.ceil((start + size) / run));
    }
    return spread;
  }

  /** The leaf of a parameter; its gradient is a view of `gradients`. Of a frozen one a constant. @throws InputError for an unknown name */
  get(name: string): Variable {
    const variable = this.#variables.get(name);
    if (!variable) throw new InputError(`parameter ${name}: the model has no such parameter.`);
    return this.#frozen.has(name) ? new Variable(variable.value) : variable;
  }

  /**
   * A parameter as a constant: a frozen teacher builds no graph.
   * @throws InputError for an unknown name
   */
  frozen(name: string): Variable {
    return new Variable(this.get(name).value);
  }

  /**
   * The store cut into about so many neighbouring pieces of one size, each of whole parameters.
   */
  pieces(count: number): GradientPiece[] {
    const starts = [...this.#starts].sort(([, one], [, other]) => one - other);
    const pieces: { variables: Variable[]; start: number }[] = [];
    for (const [name, start] of starts) {
      if (start >= (pieces.length * this.gradients.size) / count) pieces.push({ variables: [], start });
      pieces.at(-1)?.variables.push(this.get(name));
    }
    return pieces.map(({ variables, start }, i) => {
      const end = pieces[i + 1]?.start ?? this.gradients.size;
      return { variables, gradients: this.gradients.view([end - start], start) };
    });
  }

  /** Records setting every gradient to zero. */
  zeroGradients(): void {
    this.device.clear({ ...this.gradients.range, size: 4 * this.gradients.size });
  }

  /** Splits a flat host copy (of `values`, `gradients` or an optimizer's state) into named parts. */
  split(flat: Float32Array): Map<string, ParameterValues<Float32Array>> {
    return new Map(
      this.names.map((name) => {
        const { shape, size } = this.get(name).value;
        const start = this.#start(name);
        return [name, { shape, data: flat.subarray(start, start + size) }];
      }),
    );
  }

  /**
   * Joins named parts into a flat array for `values.write`.
   * @throws InputError that names a missing part or one of another shape
   */
  join(parts: ReadonlyMap<string, ParameterValues>): Float32Array {
    const flat = new Float32Array(this.values.size);
    for (const name of this.names) {
      const { shape } = this.get(name).value;
      const part = parts.get(name);
      if (!part) throw new InputError(`parameter ${name}: it is missing; is the file of another model?`);
      if (part.shape.join() !== shape.join()) {
        throw new InputError(`parameter ${name}: shape [${part.shape}]; this model has [${shape}].`);
      }
      flat.set(part.data, this.#start(name));
    }
    return flat;
  }

  /** Frees values and gradients; the leaves must not be used afterwards. */
  dispose(): void {
    this.values.dispose();
    this.gradients.dispose();
  }

  #start(name: string): number {
    const start = this.#starts.get(name);
    if (start === undefined) throw new InputError(`parameter ${name}: the model has no such parameter.`);
    return start;
  }
}
