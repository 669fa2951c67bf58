import type { Variable } from '../../autograd/variable.js';
import type { Edge, HostTensor } from './host.js';
import type { Traits } from './nodeView.js';
import type { GraphNode } from './parse.js';

/** A node, or what takes the place of several, as an operation. */
export interface Step {
  /** Of ONNX; `Silu` and the like for what several nodes became. */
  operator: string;
  /** The node in the file; of several the last. */
  node: GraphNode;
  /** What `run` takes. */
  inputs: readonly Edge[];
  /** What it makes. */
  outputs: readonly Edge[];
  /** Of the outputs. */
  shapes: readonly (readonly number[])[];
  /** Computes the outputs. */
  run: (inputs: readonly Variable[]) => readonly Variable[];
  /** Floating-point operations of convolutions and matrix products, two for a multiplication and an addition. */
  flops: number;
  /** Of Clip. */
  bounds?: readonly [number, number] | undefined;
  /** α and β of HardSigmoid. */
  slope?: readonly [number, number] | undefined;
  /** What the rule says of it. */
  traits?: Traits;
}

/** Steps beside each other. */
export interface Steps {
  /** The step that makes a tensor. */
  maker(edge: Edge): Step | undefined;
  /** The value of a constant of one element. */
  scalar(edge: Edge): number | null;
  /** Of a tensor; empty where it is not known. */
  shape(edge: Edge): readonly number[];
  /** A constant. */
  constant(edge: Edge): HostTensor | undefined;
  /** How many steps and outputs take a tensor. */
  uses(edge: Edge): number;
}
