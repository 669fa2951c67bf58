import regionSource from '../../shaders/regions/imitation_region.wgsl';
import windowsSource from '../../shaders/regions/imitation_windows.wgsl';
import type { Device } from '../tensor/device.js';
import type { Tensor } from '../tensor/tensor.js';
import { assertTensor } from '../tensor/tensorArgument.js';
import { anything, fields, oneOf } from '../util/argument.js';
import { InputError } from '../util/error.js';
import { assertGrid, assertTruth } from './argument.js';
import type { Assignment } from './assignment.js';
import { type Grid, gridParams } from './grid.js';
import type { Truth } from './truth.js';

const REGION = { name: 'regions/imitation_region', source: regionSource };
const WINDOWS = { name: 'regions/imitation_windows', source: windowsSource };

/** Constants of shaders/regions/imitation_region.wgsl. */
const EMPTY = 1;
const METHODS = { whole: 0, inside: EMPTY, main: 2, finegrained: EMPTY, decouple: EMPTY } as const;

function assertTable(assignment: unknown, device: Device, locations: number): void {
  fields({ table: anything })('assignment', assignment);
  const { table } = assignment as Assignment;
  assertTensor('assignment.table', table, { device, type: 'u32' });
  if (table.size === locations) return;
  throw new InputError(`assignment: of ${table.size} locations; the grid and truth have ${locations}.`);
}

/**
 * - `whole`: everywhere (FitNets, Romero et al., ICLR 2015);
 * - `inside`: the anchor's centre is strictly inside a box (what LD's reference implementation calls fitnet);
 * - `main`: the positives;
 * - `finegrained`: IoU with a box above half the highest that any anchor has with it (Wang et al., CVPR 2019);
 * - `decouple`: the foreground of DeFeat (Guo et al., CVPR 2021), as `inside`; its background is the rest.
 */
export type ImitationRegionMethod = keyof typeof METHODS;

/**
 * The region in which the student imitates the teacher's features; `generalInstances` makes the one that depends on the nets' outputs. But
 * for clearing the map, the cost grows with the boxes, not with the map.
 * @param assignment of the same grid and truth; only `main` uses it
 * @returns [N] f32, N as in `Assignment`: 1 inside, 0 outside, −1 where the location is beyond its image
 * @throws InputError for another method, or arguments that do not belong together
 */
export function imitationRegion(
  method: Exclude<ImitationRegionMethod, 'main'>,
  grid: Grid,
  truth: Truth,
  assignment?: Pick<Assignment, 'table'>,
): Tensor;
export function imitationRegion(
  method: ImitationRegionMethod,
  grid: Grid,
  truth: Truth,
  assignment: Pick<Assignment, 'table'>,
): Tensor;
export function imitationRegion(
  method: ImitationRegionMethod,
  grid: Grid,
  truth: Truth,
  assignment?: Pick<Assignment, 'table'>,
): Tensor {
  oneOf(...Object.keys(METHODS))('method', method);
  assertGrid('grid', grid);
  assertTruth('truth', truth);
  const { device } = truth.boxes;
  const locations = truth.batch * grid.locations;
  if (method === 'main') assertTable(assignment, device, locations);
  const params = gridParams(grid, truth.batch);
  const mask = device.zeros([locations]);
  if (METHODS[method] !== EMPTY || truth.limited) {
    device.run({
      kernel: REGION,
      constants: { METHOD: METHODS[method] },
      bindings: {
        image_sizes: truth.imageSizes.range,
        assigned: (assignment?.table ?? truth.labels).range,
        mask: mask.range,
      },
      params: { ...params, locations },
      invocations: locations,
    });
  }
  if (METHODS[method] === EMPTY) {
    device.run({
      kernel: WINDOWS,
      constants: { FINEGRAINED: method === 'finegrained' ? 1 : 0 },
      bindings: {
        boxes: truth.boxes.range4,
        images: truth.images.range,
        image_sizes: truth.imageSizes.range,
        mask: mask.range,
      },
      params,
      workgroups: [truth.count, grid.levels.length, 1],
    });
  }
  return mask;
}
