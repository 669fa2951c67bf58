// A product of matrices by subgroup matrices (github.com/google/dawn, docs/dawn/features/subgroup_matrix.md): a workgroup computes
// 64 rows × 64 columns, each of its first four subgroups 32 × 32. STEP values of the common dimension at a time go through workgroup memory.
// Subgroups after the fourth, where they are smaller than the adapter's largest, only load and store.
enable chromium_experimental_subgroup_matrix;

/// Invocations of a workgroup: four of the largest subgroups.
override SIZE: u32 = 128;
/// What the device multiplies at once: M rows × K columns with K rows × N columns.
override M: u32 = 16; // const
override N: u32 = 16; // const
override K: u32 = 16; // const
/// EDGE / M, EDGE / N, STEP / K
override ROWS: u32 = 2; // const
override COLUMNS: u32 = 2; // const
override PARTS: u32 = 1; // const

const TILE = 64u;
/// Rows, and columns, of a subgroup.
const EDGE = 32u;
const STEP = 16u;

alias Sums = array<array<subgroup_matrix_result<f32, N, M>, COLUMNS>, ROWS>;

/// [STEP][row]
var<workgroup> lefts: array<Component, 1024>;
/// [STEP][column]
var<workgroup> rights: array<Component, 1024>;
/// [row, of half of them][column]
var<workgroup> results: array<f32, 2048>;

/// Adds the product of lefts and rights.
fn add_products(sums: ptr<function, Sums>, subgroup: u32) {
  if (subgroup >= 4u) {
    return;
  }
  let row = EDGE * (subgroup / 2u);
  let column = EDGE * (subgroup % 2u);
  for (var part = 0u; part < PARTS; part++) { // unroll
    let line = TILE * K * part;
    var left: array<subgroup_matrix_left<Component, K, M>, ROWS>;
    for (var i = 0u; i < ROWS; i++) { // unroll
      left[i] = subgroupMatrixLoad<subgroup_matrix_left<Component, K, M>, col_major>(&lefts, line + row + M * i, TILE);
    }
    for (var j = 0u; j < COLUMNS; j++) { // unroll
      let right = subgroupMatrixLoad<subgroup_matrix_right<Component, N, K>, row_major>(&rights, line + column + N * j, TILE);
      for (var i = 0u; i < ROWS; i++) { // unroll
        (*sums)[i][j] = subgroupMatrixMultiplyAccumulate(left[i], right, (*sums)[i][j]);
      }
    }
  }
}

/// Puts rows 32 · half to 32 · half + 31 of the sums into `results`.
fn give(sums: ptr<function, Sums>, half: u32, subgroup: u32) {
  if (subgroup / 2u != half) {
    return;
  }
  for (var i = 0u; i < ROWS; i++) { // unroll
    for (var j = 0u; j < COLUMNS; j++) { // unroll
      subgroupMatrixStore<row_major>(&results, TILE * M * i + EDGE * (subgroup % 2u) + N * j, (*sums)[i][j], TILE);
    }
  }
}
