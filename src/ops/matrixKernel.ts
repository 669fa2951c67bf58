import half from '../../shaders/ops/component_half.wgsl';
import single from '../../shaders/ops/component_single.wgsl';
import type { KernelDefinition, KernelVariant } from '../gpu/launch.js';
import { matricesOf } from '../gpu/matrices.js';
import { storedKernel } from '../tensor/stored.js';
import type { Tensor } from '../tensor/tensor.js';

/**
 * A kernel over maps by subgroup matrices, which includes shaders/ops/matrices.wgsl.
 * @returns the kernel for maps of a type, and its constants; null where the device has no configuration for them
 */
export function matrixKernel({
  name,
  source,
}: KernelDefinition): (map: Tensor, ...others: readonly Tensor[]) => Required<KernelVariant> | null {
  const kernels = {
    f32: storedKernel({ name, source: [...single, ...source] }),
    f16: storedKernel({ name, source: [...half, ...source] }),
  };
  return (map, ...others) => {
    const product = map.type === 'f32' || map.type === 'f16' ? matricesOf(map.device.gpu)[map.type] : null;
    return product && { kernel: kernels[product.component](map, ...others), constants: product.constants };
  };
}
