import type { Device } from '../tensor/device.js';

/** Lanes of a subgroup up to which an adapter is taken for a processor's vector unit (SwiftShader 4, lavapipe 8). */
const FEW_LANES = 8;
/** Without adapter information: as most GPUs. */
const USUAL_LANES = 32;

function lanes(device: Device): number {
  return device.gpu.adapterInfo?.subgroupMaxSize || USUAL_LANES;
}

/** Whether kernels run on a few threads of a processor, where barriers and unused invocations cost more than they save. */
export function runsOnProcessor(device: Device): boolean {
  return lanes(device) <= FEW_LANES;
}

/** Invocations of a workgroup of a kernel of tiles: on a processor few, so that the last of small maps do less in vain. */
export function tileWorkgroup(device: Device): number {
  return runsOnProcessor(device) ? 16 : 64;
}

/** Invocations of a workgroup that adds up: every barrier makes a processor change between all its vectors. */
export function reductionWorkgroup(device: Device): number {
  return runsOnProcessor(device) ? 8 : 64;
}
