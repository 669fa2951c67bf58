/**
 * Subgroup matrices are an experiment of Dawn's (shaders/ops/matrices.wgsl); naga and wgsl_reflect do not know them. So that both can
 * look at the rest of a module, this puts numbers in place of matrices: a sum of products for a product, one element for a load.
 * Dawn alone sees such a module as it is, on an adapter that has them: the tests of each kernel, and test/ops/matrices.test.ts.
 */
const HELPERS = `
fn loaded(first: f32, offset: u32, stride: u32) -> f32 { return first * f32(offset + stride); }
fn stored(first: f32, offset: u32, value: f32, stride: u32) {}
`;

/**
 * A module without subgroup matrices; lines stay.
 * @param {string} code
 */
export function withoutMatrices(code) {
  if (!/\bsubgroup_?[mM]atrix/.test(code)) return code;
  const plain = code
    .replace(/\benable chromium_experimental_subgroup_matrix;/, '')
    .replace(/\bsubgroup_matrix_\w+<[^<>]*>/g, 'f32')
    .replace(/\bsubgroupMatrixLoad<[^<>]*>\(&(\w+),/g, 'loaded(f32($1[0]),')
    .replace(/\bsubgroupMatrixStore<[^<>]*>\(&(\w+),/g, 'stored(f32($1[0]),')
    .replace(/\bsubgroupMatrixMultiplyAccumulate\(/g, 'fma(');
  return `${plain}${HELPERS}`;
}
