import { ParameterStore } from '../../autograd/parameters.js';
import { recomputed } from '../../autograd/recomputed.js';
import { copyOf } from '../../autograd/sum.js';
import { Variable } from '../../autograd/variable.js';
import { storedAs } from '../../ops/storedAs.js';
import type { Device } from '../../tensor/device.js';
import { assertStores, type StoredType } from '../../tensor/stored.js';
import type { Tensor } from '../../tensor/tensor.js';
import { InputError } from '../../util/error.js';
import type { Edge } from './host.js';
import { type GraphPart, partsOf, stepsAlone } from './parts.js';
import type { OnnxGraph } from './plan.js';
import type { Step } from './step.js';

/** An ONNX graph on a device: its initializers are parameters, and gradients flow back through its nodes. */
export class GraphNet {
  /** Where it runs. */
  readonly device: Device;
  /** What it was made from. */
  readonly graph: OnnxGraph;
  /** By the initializers' names. */
  readonly parameters: ParameterStore;
  /** What is stored between its inputs and its outputs, which are f32. */
  readonly precision: StoredType;
  readonly #ownsParameters: boolean;
  readonly #constants = new Map<Edge, Tensor>();
  readonly #alone: readonly GraphPart[];
  /** For each step, the tensors that no later one takes. */
  readonly #last: readonly (readonly Edge[])[];
  /** For gradients that are computed again; made when first needed. */
  #parts: readonly GraphPart[] | null = null;

  /**
   * Uploads parameters and constants.
   * @param graph from `readGraph`
   * @param options `parameters`: of another net of the same model, to be shared; they stay the caller's. `precision`: what maps are stored in,
   * default f32
   * @throws DeviceError for f16 on an adapter without it
   */
  constructor(
    device: Device,
    graph: OnnxGraph,
    { parameters, precision = 'f32' }: { parameters?: ParameterStore; precision?: StoredType } = {},
  ) {
    assertStores(device, precision);
    this.device = device;
    this.graph = graph;
    this.precision = precision;
    this.#ownsParameters = parameters === undefined;
    const declarations = () =>
      graph.parameters.map(({ name, shape, data, decay }) => ({ name, shape, decay, initial: data }));
    this.parameters = parameters ?? new ParameterStore(device, declarations());
    for (const [edge, { shape, data }] of graph.constants) {
      this.#constants.set(edge, device.keep(device.tensor(Float32Array.from(data), shape)));
    }
    this.#alone = stepsAlone(graph);
    this.#last = lastUses(
      this.#alone,
      graph.outputs.map(({ edge }) => edge),
    );
  }

  /**
   * Computes the outputs.
   * @param inputs by name, of the shapes of `graph.inputs`
   * @param options `training`: gradients flow to the parameters; without it what lies between is given back at once. `recompute`: so is
   * most of it in training; it is computed again for the gradients, with the same bits
   * @returns by the names of `graph.outputs`
   * @throws InputError when an input is missing or has another shape
   */
  forward(
    inputs: Readonly<Record<Edge, Variable>>,
    { training = false, recompute = false }: { training?: boolean; recompute?: boolean } = {},
  ): Map<Edge, Variable> {
    const values = new Map<Edge, Variable>();
    for (const { name, shape } of this.graph.inputs) {
      const given = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
      if (given?.value.shape.join() !== shape.join()) {
        const found = given ? `has the shape [${given.value.shape}]` : 'is missing';
        throw new InputError(`inputs: ${name} ${found}; ${this.graph.name} was read for [${shape}].`);
      }
      values.set(name, given);
    }
    for (const [edge, tensor] of this.#constants) values.set(edge, new Variable(tensor));
    for (const name of this.parameters.names) {
      values.set(name, training ? this.parameters.get(name) : this.parameters.frozen(name));
    }
    return training ? this.#learn(values, recompute) : this.#infer(values);
  }

  /** Frees constants, and parameters that are not shared. */
  dispose(): void {
    if (this.#ownsParameters) this.parameters.dispose();
    for (const tensor of this.#constants.values()) tensor.dispose();
  }

  #learn(values: Map<Edge, Variable>, recompute: boolean): Map<Edge, Variable> {
    const { inputs, outputs } = this.graph;
    for (const { name } of inputs) values.set(name, storedAs(held(values, name), this.precision));
    if (recompute) this.#parts ??= partsOf(this.graph);
    learn(
      (recompute && this.#parts) || this.#alone,
      values,
      outputs.map(({ edge }) => edge),
    );
    return new Map(outputs.map(({ name, edge }) => [name, storedAs(held(values, edge), 'f32')]));
  }

  #infer(values: Map<Edge, Variable>): Map<Edge, Variable> {
    const { steps, inputs, outputs } = this.graph;
    const tensors = this.device.tidy(() => {
      const memory = new Memory();
      for (const { name } of inputs) values.set(name, storedAs(held(values, name), this.precision));
      for (const [i, step] of steps.entries()) {
        run(step, values);
        for (const edge of step.outputs) memory.hold(held(values, edge).value);
        for (const edge of this.#last[i]) {
          memory.release(held(values, edge).value);
          values.delete(edge);
        }
      }
      // A view goes with the tensor that it looks at, and an input or a parameter is not ours to give.
      return outputs.map(({ edge }) => {
        const { value } = storedAs(held(values, edge), 'f32');
        const isCopy = value !== held(values, edge).value;
        const isOwn = value.pooled && steps.some((step) => step.outputs.includes(edge));
        return isCopy || isOwn ? value : copyOf(value);
      });
    });
    return new Map(outputs.map(({ name }, i) => [name, new Variable(tensors[i])]));
  }
}

function held(values: ReadonlyMap<Edge, Variable>, edge: Edge): Variable {
  const value = values.get(edge);
  if (!value) throw new InputError(`tensor ${edge}: nothing makes it.`);
  return value;
}

function run(step: Step, values: Map<Edge, Variable>): void {
  const results = step.run(step.inputs.map((edge) => held(values, edge)));
  for (const [i, edge] of step.outputs.entries()) values.set(edge, results[i]);
}

/** Computes parts, and gives back what no later part takes and no gradient reads. @param wanted what stays in any case */
function learn(parts: readonly GraphPart[], values: Map<Edge, Variable>, wanted: readonly Edge[]): void {
  const memory = new Memory();
  const last = lastUses(parts, wanted);
  const read = new Set<Edge>();
  for (const [i, part] of parts.entries()) {
    if (part.steps.length === 1) run(part.steps[0], values);
    else values.set(part.outputs[0], recomputedPart(part, values));
    const results = part.outputs.map((edge) => held(values, edge));
    for (const { value } of results) memory.hold(value);
    if (results.some(({ requiresGradient }) => requiresGradient)) for (const edge of part.read) read.add(edge);
    for (const edge of last[i]) if (!read.has(edge)) memory.release(held(values, edge).value);
  }
}

/** The result of several steps, which are computed again for the gradients. */
function recomputedPart({ alone, inputs, outputs }: GraphPart, values: ReadonlyMap<Edge, Variable>): Variable {
  return recomputed(
    inputs.map((edge) => held(values, edge)),
    (variables) => {
      const own = new Map(values);
      for (const [i, edge] of inputs.entries()) own.set(edge, variables[i]);
      learn(alone, own, outputs);
      return held(own, outputs[0]);
    },
  );
}

/** For each part, the results of parts that it is the last to take, and its own that nothing takes. */
function lastUses(parts: readonly GraphPart[], wanted: readonly Edge[]): Edge[][] {
  const kept = new Set(wanted);
  const last = new Map<Edge, number>();
  for (const [i, { inputs, outputs }] of parts.entries()) {
    for (const edge of outputs) last.set(edge, i);
    for (const edge of inputs) if (last.has(edge)) last.set(edge, i);
  }
  const ending: Edge[][] = parts.map(() => []);
  for (const [edge, i] of last) if (!kept.has(edge)) ending[i].push(edge);
  return ending;
}

/** Which tensors look at which memory: it is given back with the last of them. */
class Memory {
  readonly #holders = new Map<GPUBuffer, number>();
  readonly #owners = new Map<GPUBuffer, Tensor>();

  hold(tensor: Tensor): void {
    const { buffer } = tensor;
    this.#holders.set(buffer, (this.#holders.get(buffer) ?? 0) + 1);
    if (tensor.pooled) this.#owners.set(buffer, tensor);
  }

  release({ buffer }: Tensor): void {
    const left = (this.#holders.get(buffer) ?? 0) - 1;
    this.#holders.set(buffer, left);
    if (left > 0) return;
    this.#owners.get(buffer)?.dispose();
    this.#owners.delete(buffer);
    this.#holders.delete(buffer);
  }
}
