/**
 * Convolutions and the gradients of their weights by subgroup matrices. Few adapters have these, so the kernels also run with matrices that
 * are arrays: sizes that no adapter here has, on every adapter.
 */
import fc from 'fast-check';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import half from '../../shaders/ops/component_half.wgsl';
import single from '../../shaders/ops/component_single.wgsl';
import convolutionSource from '../../shaders/ops/convolution_matrices.wgsl';
import weightGradientSource from '../../shaders/ops/weight_gradient_matrices.wgsl';
import stored from '../../shaders/tensor/stored_half.wgsl';
import { backward, Variable } from '../../src/autograd/variable.js';
import { assemble } from '../../src/gpu/assemble.js';
import { copyMatrices, MATRIX_FEATURE, type MatrixConfig, matricesOf, matrixProducts } from '../../src/gpu/matrices.js';
import { joinInterface } from '../../src/gpu/wgsl.js';
import { conv2d } from '../../src/ops/conv2d.js';
import { convolution } from '../../src/ops/convolution.js';
import { type Device, openDevice } from '../../src/tensor/device.js';
import { Random } from '../../src/tensor/random.js';
import { sharedDevice } from '../device.js';
import { mapped } from '../reference/arrays.js';
import { expectClose } from '../reference/closeTo.js';
import { convolution as windowed } from '../reference/convolution.js';
import { conv2dGradients, conv2d as oracle } from '../reference/ops.js';
import { runs } from '../runs.js';
import { expectHalfConvolution, type HalfConvolution } from './halves.js';
import { joined, levelSizes, levelsOf, noise, randomPyramid, summed } from './maps.js';
import { expectOperation } from './operation.js';

const BY_MATRICES = { 'convolution.kernel': 'matrices', 'weightGradient.kernel': 'matrices' } as const;

const shapes: fc.Arbitrary<HalfConvolution> = fc.record({
  batch: fc.integer({ min: 1, max: 3 }),
  inputs: fc.integer({ min: 1, max: 20 }),
  outputs: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 21, max: 70 })),
  kernel: fc.constantFrom(1, 3),
  stride: fc.constantFrom<(1 | 2)[]>(1, 2),
  sizes: levelSizes,
  seed: fc.nat(),
});

describe.each(['f32', 'f16'] as const)('in %s', async (type) => {
  const device = await sharedDevice();
  const product = matricesOf(device.gpu)[type];
  const lacks = !product || (type === 'f16' && !device.gpu.features.has('shader-f16'));

  describe.skipIf(lacks)('on adapters that have matrices for it', () => {
    afterEach(() => device.setChoices({}));

    it('the kernels agree with the oracle', async () => {
      device.setChoices(BY_MATRICES);
      const check = type === 'f16' ? expectHalfConvolution : expectConvolution;
      await fc.assert(
        fc.asyncProperty(shapes, (shape) => check(device, shape)),
        runs(8),
      );
    });
  });
});

const EXAMPLE: HalfConvolution = {
  ...{ batch: 2, inputs: 5, outputs: 20, kernel: 3, stride: 1, seed: 1 },
  sizes: [{ height: 5, width: 6 }],
};

/** Of NVIDIA's, AMD's, Intel's and Apple's GPUs, and two of an edge of 32. */
const SIZES = [
  { M: 16, N: 16, K: 16 },
  { M: 16, N: 8, K: 16 },
  { M: 16, N: 8, K: 8 },
  { M: 8, N: 16, K: 16 },
  { M: 8, N: 8, K: 8 },
  { M: 32, N: 8, K: 16 },
  { M: 8, N: 32, K: 16 },
];

describe('with arrays for matrices, on any adapter', async () => {
  // A device of its own: it keeps what it has compiled.
  const device = await openDevice({ tune: false });
  const hasHalf = device.gpu.features.has('shader-f16');
  const create = device.gpu.createShaderModule.bind(device.gpu);
  device.gpu.createShaderModule = ({ code, ...description }) => create({ ...description, code: withArrays(code) });
  afterAll(() => device.close());

  /** The largest subgroups have `lanes`; those of `withArrays` have 4. */
  const choose = (componentType: string, size: (typeof SIZES)[number], lanes: number) => {
    const config = { componentType, resultComponentType: 'f32', ...size };
    copyMatrices(deviceWith([config], lanes), device.gpu);
    // Written out, arrays of this size take minutes to compile.
    device.setChoices({ ...BY_MATRICES, 'bins.loops': 'rolled' });
  };
  const sizes = fc.constantFrom(...SIZES);
  const lanes = fc.constantFrom(4, 8, 64);

  it('the kernels agree with the oracle in f32', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, sizes, lanes, async (shape, size, largest) => {
        choose('f32', size, largest);
        await expectConvolution(device, shape);
      }),
      // A step of two parts, of other lengths than a matrix has rows.
      { ...runs(5), examples: [[EXAMPLE, { M: 16, N: 8, K: 8 }, 4]] },
    );
  });

  it.skipIf(!hasHalf)('and in f16, by matrices of f16 or f32', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, sizes, lanes, fc.constantFrom('f16', 'f32'), async (shape, size, largest, component) => {
        choose(component, size, largest);
        await expectHalfConvolution(device, shape);
      }),
      runs(5),
    );
  });

  it('ends with an activation', async () => {
    choose('f32', SIZES[0], 4);
    const options = { strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1], groups: 1 };
    await expectOperation(device, {
      inputs: [[2, 4, 5, 6], [40, 4, 3, 3], [40]],
      run: (x, w, b) => convolution(x, w, b, { ...options, activation: { slope: 0.1, limit: 0.7 } }),
      oracle: (x, w, b) => mapped(windowed(x, w, b, options), (sum) => Math.min(sum > 0 ? sum : 0.1 * sum, 0.7)),
      tolerance: 5e-5,
      seed: 1,
      // Small, so that few sums cross a bend.
      step: 1e-7,
    });
  });

  it('maps that the device has no matrices for go through the tiles', () => {
    choose('f16', SIZES[0], 4);
    const shape = { batch: 1, inputs: 3, outputs: 5, kernel: 3, stride: 1, sizes: [{ height: 4, width: 4 }] } as const;
    const kernels = device.kernelsOf(() => void expectConvolution(device, { ...shape, seed: 1 }).catch(() => {}));
    expect(kernels.map(({ kernel }) => kernel.name)).toContain('convolution_tiles');
    expect(kernels.map(({ kernel }) => kernel.name)).not.toContain('convolution_matrices');
  });
});

describe('which matrices', () => {
  const config = (componentType: string, resultComponentType: string, M: number, N: number, K: number) => ({
    componentType,
    resultComponentType,
    M,
    N,
    K,
  });
  const workgroups = { lanes: 32, invocations: 256 };

  it('no map loses digits, sums are f32, and the first that fits is taken', () => {
    const nvidia = [
      config('f16', 'f16', 16, 16, 16),
      config('f16', 'f32', 16, 16, 16),
      config('f16', 'f32', 16, 8, 16),
      config('u8', 'u32', 16, 16, 32),
    ];
    const constants = { SIZE: 128, M: 16, N: 16, K: 16, ROWS: 2, COLUMNS: 2, PARTS: 1 };
    expect(matrixProducts(nvidia, workgroups)).toEqual({ f32: null, f16: { component: 'f16', constants } });
    const apple = [config('f32', 'f32', 8, 8, 8), config('f16', 'f16', 8, 8, 8)];
    const eights = { component: 'f32', constants: { SIZE: 128, M: 8, N: 8, K: 8, ROWS: 4, COLUMNS: 4, PARTS: 2 } };
    expect(matrixProducts(apple, workgroups)).toEqual({ f32: eights, f16: eights });
  });

  it('of any list, one of it that divides the tiles', () => {
    const types = fc.constantFrom('f32', 'f16', 'u8', 'i8');
    const size = fc.constantFrom(1, 4, 8, 12, 16, 24, 32, 64);
    const configs = fc.array(fc.tuple(types, types, size, size, size).map((all) => config(...all)));
    const drawn = fc.record({
      lanes: fc.constantFrom(0, 2, 4, 8, 16, 32, 64, 128),
      invocations: fc.constantFrom(256, 1024),
    });
    fc.assert(
      fc.property(configs, drawn, (list, { lanes, invocations }) => {
        const products = matrixProducts(list, { lanes, invocations });
        for (const stored of ['f32', 'f16'] as const) {
          const product = products[stored];
          const fits = list.filter(
            ({ componentType, resultComponentType, M, N, K }) =>
              (componentType === 'f32' || componentType === stored) &&
              resultComponentType === 'f32' &&
              [32 % M, 32 % N, 16 % K].every((rest) => rest === 0),
          );
          expect(product !== null).toBe(fits.length > 0 && lanes >= 4 && 4 * lanes <= invocations);
          if (!product) continue;
          const { component, constants } = product;
          const { SIZE, M, N, K, ...counts } = constants;
          expect(fits).toContainEqual(config(component, 'f32', M, N, K));
          expect([SIZE, counts]).toEqual([4 * lanes, { ROWS: 32 / M, COLUMNS: 32 / N, PARTS: 16 / K }]);
        }
      }),
    );
  });

  it('none without the feature; of f16 none without shader-f16', () => {
    const all = [config('f16', 'f32', 16, 16, 16), config('f32', 'f32', 8, 8, 8)];
    expect(matricesOf(deviceWith(all, 32, []))).toEqual({ f32: null, f16: null });
    expect(matricesOf(deviceWith(all, 32, [MATRIX_FEATURE])).f16).toBe(null);
    expect(matricesOf(deviceWith(all, 32)).f16?.component).toBe('f16');
    // A device that says nothing of its adapter.
    expect(matricesOf({ features: new Set([MATRIX_FEATURE]), limits: {} } as unknown as GPUDevice).f32).toBe(null);
  });
});

describe('their WGSL', async () => {
  const device = await sharedDevice();
  const kernels = [convolutionSource, weightGradientSource].flatMap((source) =>
    ([single, half] as const).map((component) => [...stored, ...component, ...source]),
  );
  const codes = kernels.flatMap((source) =>
    SIZES.map(({ M, N, K }) => {
      const constants = { SIZE: 128, M, N, K, ROWS: 32 / M, COLUMNS: 32 / N, PARTS: 16 / K };
      const { overrides } = joinInterface('kernel', source);
      return { constants, code: assemble('kernel', source, true, constants, overrides) };
    }),
  );

  it('has the sizes, and a product for each matrix of a subgroup', () => {
    for (const { code, constants } of codes) {
      const { M, N, K, ROWS, COLUMNS, PARTS } = constants;
      for (const [name, value] of Object.entries({ M, N, K, ROWS })) {
        expect(code).toContain(`const ${name} = ${value}u;`);
        expect(code).not.toContain(`override ${name}`);
      }
      expect(code.match(/subgroupMatrixMultiplyAccumulate\(/g)).toHaveLength(ROWS * COLUMNS * PARTS);
    }
  });

  it.skipIf(!device.gpu.features.has(MATRIX_FEATURE))('is valid for Dawn, where it knows such matrices', async () => {
    for (const { code } of codes) {
      const module = device.gpu.createShaderModule({ code });
      expect((await module.getCompilationInfo()).messages.map(({ message }) => message)).toEqual([]);
    }
  });
});

/** As much of a device as is asked. */
function deviceWith(
  subgroupMatrixConfigs: MatrixConfig[],
  subgroupMaxSize: number,
  features: string[] = [MATRIX_FEATURE, 'shader-f16'],
): GPUDevice {
  return {
    adapterInfo: { subgroupMaxSize, subgroupMatrixConfigs },
    features: new Set(features),
    limits: { maxComputeInvocationsPerWorkgroup: 256 },
  } as unknown as GPUDevice;
}

/**
 * A kernel by subgroup matrices in WGSL alone, with subgroups of four lanes: each lane has every fourth row of a result. A left or right matrix
 * is where it lies: that is overwritten only when the products are made.
 */
function withArrays(code: string): string {
  if (!code.includes('enable chromium_experimental_subgroup_matrix;')) return code;
  return code
    .replace('enable chromium_experimental_subgroup_matrix;', '')
    .replace(
      /@builtin\(subgroup_id\) subgroup: u32,\s*\) \{/,
      ') {\nlet subgroup = local / 4u;\nlane = local % 4u;\nonce = min(params.level_count, 1u);',
    )
    .replace(/subgroupMatrixLoad<subgroup_matrix_(\w+)<[^<>]*>, (\w+)>\(&\w+,/g, 'load_$1_$2(')
    .replace(/subgroupMatrixStore<(\w+)>\(&results, (.*), (\(\*sums\)\[i\]\[j\]),/g, 'store_$1($2, &$3,')
    .replace(
      /\(\*sums\)\[i\]\[j\] = subgroupMatrixMultiplyAccumulate\((.*), \(\*sums\)\[i\]\[j\]\)/g,
      'multiply($1, &(*sums)[i][j])',
    )
    .replace(/subgroup_matrix_(left<Component, K, M>|right<Component, N, K>)/g, 'u32')
    .replace(/subgroup_matrix_result<f32, N, M>/g, 'array<f32, M / 4u * N>')
    .concat(`
var<private> lane: u32;
// 1, which compilers do not know: they would write the loops out, for minutes.
var<private> once: u32;
fn load_left_col_major(offset: u32, stride: u32) -> u32 { return offset; }
fn load_right_row_major(offset: u32, stride: u32) -> u32 { return offset; }
fn multiply(left: u32, right: u32, sum: ptr<function, array<f32, M / 4u * N>>) {
  for (var i = 0u; i < once * (M / 4u * N); i++) {
    for (var k = 0u; k < once * K; k++) {
      sum[i] += f32(lefts[left + TILE * k + 4u * (i / N) + lane]) * f32(rights[right + TILE * k + i % N]);
    }
  }
}
fn store_row_major(offset: u32, sum: ptr<function, array<f32, M / 4u * N>>, stride: u32) {
  for (var i = 0u; i < once * (M / 4u * N); i++) { results[offset + stride * (4u * (i / N) + lane) + i % N] = sum[i]; }
}
`);
}

/** A convolution of maps of f32 agrees with the oracle, forward and backward. */
async function expectConvolution(device: Device, convolution: HalfConvolution): Promise<void> {
  const { batch, inputs, outputs, kernel, stride, sizes, seed } = convolution;
  const random = Random.of(seed);
  const maps = randomPyramid(device, random, batch, inputs, sizes);
  const [weights, biases] = [noise(random, outputs * inputs * kernel ** 2), noise(random, outputs)];
  const input = new Variable(maps, true);
  const weight = new Variable(device.tensor(weights, [outputs, inputs, kernel, kernel]), true);
  const output = conv2d(input, weight, new Variable(device.tensor(biases)), { stride });
  output.retained = true;
  const incoming = device.tensor(noise(random, output.value.size));
  backward({ variable: output, gradient: incoming });
  const options = { outputs, kernel, stride };
  const levels = await levelsOf(maps);
  const expected = levels.map((level) => oracle(level, weights, biases, options));
  const arrived = await levelsOf(output.value, incoming);
  const gradients = levels.map((level, i) => conv2dGradients(level, weights, arrived[i], options));
  // As in conv2d.test.ts: rounding grows with the number of products.
  const rounding = (products: number) => ({ absolute: 1e-6 * Math.sqrt(products + 1), relative: 1e-6 });
  const { locations } = output.value;
  expectClose(await output.value.read(), joined(expected.map(({ values }) => values)), rounding(inputs * kernel ** 2));
  expectClose(await input.gradient!.read(), joined(gradients.map((g) => g.input)), rounding(outputs * kernel ** 2));
  expectClose(await weight.gradient!.read(), summed(gradients.map((g) => g.weight)), rounding(batch * locations));
}
