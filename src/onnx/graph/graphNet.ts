import { ParameterStore } from '../../autograd/parameters.js';
import { Variable } from '../../autograd/variable.js';
import type { Device } from '../../tensor/device.js';
import type { Tensor } from '../../tensor/tensor.js';
import { InputError } from '../../util/error.js';
import type { Edge } from './host.js';
import { readByGradients } from './kept.js';
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
  readonly #ownsParameters: boolean;
  readonly #constants = new Map<Edge, Tensor>();
  /** For each step, the tensors that no later one takes. */
  readonly #last: readonly (readonly Edge[])[];
  /** For each step, the tensors that its gradient reads. */
  readonly #read: readonly (readonly Edge[])[];

  /**
   * Uploads parameters and constants.
   * @param graph from `readGraph`
   * @param parameters of another net of the same model, to be shared; they stay the caller's
   */
  constructor(device: Device, graph: OnnxGraph, parameters?: ParameterStore) {
    this.device = device;
    this.graph = graph;
    this.#ownsParameters = parameters === undefined;
    const declarations = () =>
      graph.parameters.map(({ name, shape, data, decay }) => ({ name, shape, decay, initial: data }));
    this.parameters = parameters ?? new ParameterStore(device, declarations());
    for (const [edge, { shape, data }] of graph.constants) {
      this.#constants.set(edge, device.keep(device.tensor(Float32Array.from(data), shape)));
    }
    this.#last = lastUses(graph);
    this.#read = readByGradients(graph.steps);
  }

  /**
   * Computes the outputs.
   * @param inputs by name, of the shapes of `graph.inputs`
   * @param options `training`: gradients flow to the parameters; without it what lies between is given back at once
   * @returns by the names of `graph.outputs`
   * @throws InputError when an input is missing or has another shape
   */
  forward(
    inputs: Readonly<Record<Edge, Variable>>,
    { training = false }: { training?: boolean } = {},
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
    return training ? this.#learn(values) : this.#infer(values);
  }

  /** Frees constants, and parameters that are not shared. */
  dispose(): void {
    if (this.#ownsParameters) this.parameters.dispose();
    for (const tensor of this.#constants.values()) tensor.dispose();
  }

  #learn(values: Map<Edge, Variable>): Map<Edge, Variable> {
    const memory = new Memory();
    const read = new Set<Edge>();
    for (const [i, step] of this.graph.steps.entries()) {
      run(step, values);
      const results = step.outputs.map((edge) => held(values, edge));
      for (const { value } of results) memory.hold(value);
      if (results.some(({ requiresGradient }) => requiresGradient)) for (const edge of this.#read[i]) read.add(edge);
      for (const edge of this.#last[i]) if (!read.has(edge)) memory.release(held(values, edge).value);
    }
    return new Map(this.graph.outputs.map(({ name, edge }) => [name, held(values, edge)]));
  }

  #infer(values: Map<Edge, Variable>): Map<Edge, Variable> {
    const { steps, outputs } = this.graph;
    const tensors = this.device.tidy(() => {
      const memory = new Memory();
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
        const { value } = held(values, edge);
        return value.pooled && steps.some((step) => step.outputs.includes(edge)) ? value : copied(value);
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

/** For each step, the results of steps that it is the last to take, and its own that nothing takes. */
function lastUses({ steps, outputs }: OnnxGraph): Edge[][] {
  const kept = new Set(outputs.map(({ edge }) => edge));
  const last = new Map<Edge, number>();
  for (const [i, step] of steps.entries()) {
    for (const edge of step.outputs) last.set(edge, i);
    for (const edge of step.inputs) if (last.has(edge)) last.set(edge, i);
  }
  const ending: Edge[][] = steps.map(() => []);
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

function copied(tensor: Tensor): Tensor {
  const { device, shape, size } = tensor;
  const copy = device.empty(shape);
  if (size > 0) device.copy(tensor.range.buffer, tensor.offset, copy.buffer, copy.offset, 4 * size);
  return copy;
}
