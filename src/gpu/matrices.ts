/**
 * Subgroup matrices: products of small matrices that a subgroup computes together, by units that GPUs have for it. WebGPU has them in Dawn
 * only, as an experiment (github.com/google/dawn, docs/dawn/features/subgroup_matrix.md); in a browser behind a flag.
 */
import { constants as tile } from '../../shaders/ops/matrices.wgsl';

/** The feature that a device needs. WebGPU's types do not know it. */
export const MATRIX_FEATURE = 'chromium-experimental-subgroup-matrix' as GPUFeatureName;

/** What a device multiplies at once: M×K components times K×N, added up in M×N results. */
export interface MatrixConfig {
  componentType: string;
  resultComponentType: string;
  M: number;
  N: number;
  K: number;
}

/** How the kernels of shaders/ops/matrices.wgsl multiply. */
interface MatrixProduct {
  /** What maps and weights are held in between. */
  component: 'f32' | 'f16';
  /** The kernels' `override` constants. */
  constants: { SIZE: number; M: number; N: number; K: number; ROWS: number; COLUMNS: number; PARTS: number };
}

/** By what maps are stored in; null where the device has no configuration for it. */
export type MatrixProducts = Readonly<Record<'f32' | 'f16', MatrixProduct | null>>;

/** The parts of a device's subgroups and limits that decide. */
interface Workgroups {
  /** Lanes of the largest subgroup. */
  lanes: number;
  /** Most invocations of a workgroup. */
  invocations: number;
}

const SUBGROUPS = 4;
/** Fewer, and a workgroup would not load whole lines. */
const MIN_LANES = 4;
const NONE: MatrixProducts = { f32: null, f16: null };

const known = new WeakMap<GPUDevice, MatrixProducts>();

/**
 * The configurations of kernels among those of a device. Results are sums of f32, and no map loses digits: maps of f16 are multiplied as f16 or
 * f32, those of f32 as f32. Of several, the first: drivers list the preferred ones first.
 * @param configs in the device's order
 */
export function matrixProducts(configs: readonly MatrixConfig[], { lanes, invocations }: Workgroups): MatrixProducts {
  if (lanes < MIN_LANES || SUBGROUPS * lanes > invocations) return NONE;
  const find = (component: 'f32' | 'f16'): MatrixProduct | null => {
    const found = configs.find(
      ({ componentType, resultComponentType, M, N, K }) =>
        componentType === component &&
        resultComponentType === 'f32' &&
        tile.EDGE % M === 0 &&
        tile.EDGE % N === 0 &&
        tile.STEP % K === 0,
    );
    if (!found) return null;
    const { M, N, K } = found;
    const parts = { ROWS: tile.EDGE / M, COLUMNS: tile.EDGE / N, PARTS: tile.STEP / K };
    return { component, constants: { SIZE: SUBGROUPS * lanes, M, N, K, ...parts } };
  };
  const single = find('f32');
  return { f32: single, f16: find('f16') ?? single };
}

/** What a device can multiply by subgroup matrices. */
export function matricesOf(gpu: GPUDevice): MatrixProducts {
  return known.get(gpu) ?? noteMatrices(gpu, gpu.adapterInfo);
}

/**
 * Notes what `matricesOf` says of a device: in Node Dawn's devices do not know the configurations of their adapter (webgpu 0.6.2).
 * @param info of the adapter
 */
export function noteMatrices(gpu: GPUDevice, info: GPUAdapterInfo | undefined): MatrixProducts {
  let products = NONE;
  if (gpu.features.has(MATRIX_FEATURE)) {
    const { subgroupMatrixConfigs = [] } = (info ?? {}) as { subgroupMatrixConfigs?: Iterable<MatrixConfig> };
    const { maxComputeInvocationsPerWorkgroup: invocations } = gpu.limits;
    products = matrixProducts([...subgroupMatrixConfigs], { lanes: info?.subgroupMaxSize ?? 0, invocations });
    if (!gpu.features.has('shader-f16')) products = { ...products, f16: null };
  }
  known.set(gpu, products);
  return products;
}

/** Gives a stand-in for a device the same. */
export function copyMatrices(gpu: GPUDevice, standIn: GPUDevice): void {
  known.set(standIn, matricesOf(gpu));
}
