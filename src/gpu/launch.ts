import { InputError } from '../util/error.js';
import type { KernelInterface, WgslPart } from './wgsl.js';

/** A kernel: one WGSL module with the entry point `main`. */
export interface KernelDefinition {
  /** Names the kernel in errors, labels and timings. */
  name: string;
  /** The parts that its WGSL is put together from; between them they say what its bindings, params and workgroup are. */
  source: readonly WgslPart[];
  /** Whether it takes ranges of f16. */
  half?: boolean;
}

/** A piece of a buffer. */
export interface BufferRange {
  /** With the usage STORAGE, to be bound. */
  buffer: GPUBuffer;
  /** Bytes. */
  offset: number;
  /** Bytes. */
  size: number;
  /** Whether it holds f16: a kernel of f32 is not given it. */
  half?: boolean;
}

/** One dispatch. */
export interface Launch {
  /** What runs. */
  kernel: KernelDefinition;
  /** `override` constants: a set of values is a variant of the kernel, compiled once. */
  constants?: Record<string, number>;
  /** The resources by the names that the WGSL gives them. */
  bindings: Record<string, BufferRange>;
  /** The fields of the uniform `params`. */
  params?: Record<string, number | ArrayLike<number>>;
  /** Either a count of invocations (folded into two dimensions where one does not hold them) … */
  invocations?: number;
  /** … or the workgroups of each dimension. */
  workgroups?: [number, number, number];
}

/** A kernel and the values of its `override` constants: what is compiled once. */
export interface KernelVariant {
  /** What runs. */
  kernel: KernelDefinition;
  /** Values of its `override` constants. */
  constants?: Record<string, number>;
}

/** Of a dimension of a dispatch: WebGPU's own limit, which is not raised. */
export const MAX_WORKGROUPS = 65_535;

/**
 * The workgroups of a launch in each dimension.
 * @throws InputError when they are no whole numbers, or more than a dimension holds
 */
export function workgroupsOf(launch: Launch, { workgroup }: KernelInterface): [number, number, number] {
  const { kernel, constants, workgroups, invocations = 0 } = launch;
  const size = (workgroup.override ? constants?.[workgroup.override] : undefined) ?? workgroup.size;
  const counts = workgroups ?? fold(Math.ceil(invocations / size));
  const named = () => `kernel ${kernel.name}: ${counts.join('×')} workgroups`;
  if (!counts.every((count) => Number.isSafeInteger(count) && count >= 0)) {
    throw new InputError(`${named()}; expected whole numbers.`);
  }
  if (Math.max(...counts) > MAX_WORKGROUPS && !counts.includes(0)) {
    throw new InputError(`${named()}; a dimension holds ${MAX_WORKGROUPS}.`);
  }
  return counts;
}

/** Splits a count of workgroups over two dimensions; kernels rebuild the index with shaders/lib/index.wgsl. */
function fold(groups: number): [number, number, number] {
  if (groups <= MAX_WORKGROUPS) return [groups, 1, 1];
  const rows = Math.ceil(groups / MAX_WORKGROUPS);
  return [Math.ceil(groups / rows), rows, 1];
}
