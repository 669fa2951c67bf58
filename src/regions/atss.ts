import listSource from '../../shaders/regions/list_atss.wgsl';
import listObjectsSource from '../../shaders/regions/list_atss_objects.wgsl';
import type { Tensor } from '../tensor/tensor.js';
import { assertGrid, assertTruth } from './argument.js';
import type { Assigner } from './assigner.js';
import { type Assignment, type AssignmentMaps, assignmentMaps } from './assignment.js';
import { type AtssOptions, atssCandidates, labelTable, resolveAtss } from './atssCandidates.js';
import type { Grid } from './grid.js';
import { listSamples } from './listing.js';
import type { Truth } from './truth.js';

const LIST = {
  image: { name: 'regions/list_atss', source: listSource },
  objects: { name: 'regions/list_atss_objects', source: listObjectsSource },
};

/** The entry of `ASSIGNERS`. */
export const ATSS = {
  what: 'ATSS (GFocal, LD)',
  chosenBy: 'ATSS makes positive',
  unscored: true,
  assign: (grid: Grid, truth: Truth, _: unknown, { atss: options = {} }: { atss?: AtssOptions }) =>
    atss(grid, truth, options),
} as const satisfies Assigner;

/** What ATSS makes. */
export interface AtssAssignment extends Assignment {
  /** [G] f32, t: mean + standard deviation of the candidates' IoU; −1 where a box has fewer than two candidates. */
  readonly thresholds: Tensor;
}

/**
 * Adaptive training sample selection (Zhang et al., CVPR 2020), as GFocal and LD use it, with the VLR. A box may get no positive: none is
 * forced. At equal distance the lower index is the candidate, at equal IoU the earlier box gets the location. A member of the VLR weighs its
 * highest IoU with a box of whose region it is.
 * @throws InputError for a topk or gamma out of range
 */
export function atss(grid: Grid, truth: Truth, options: AtssOptions = {}): AtssAssignment {
  assertGrid('grid', grid);
  assertTruth('truth', truth);
  const settings = resolveAtss('options', options);
  const { topk, ignoreIofThreshold, vlr } = settings;
  const table = labelTable(grid, truth, ignoreIofThreshold);
  const { positives, thresholds, windows } = atssCandidates(grid, truth, settings, table);
  const found = {
    kernels: LIST,
    positives,
    topk,
    most: grid.levels.length * topk,
    table,
    windows: vlr === 'none' ? null : windows,
  };
  const assignment = listSamples(grid, truth, found, settings);
  for (const tensor of [positives, windows]) tensor.dispose();
  return {
    ...assignment,
    thresholds,
    dispose: () => {
      assignment.dispose();
      thresholds.dispose();
    },
  };
}

/** `atss` as maps, to look at. @throws InputError as `atss` */
export function assignAtss(
  grid: Grid,
  truth: Truth,
  options: AtssOptions = {},
): AssignmentMaps & Pick<AtssAssignment, 'thresholds'> {
  const assignment = atss(grid, truth, options);
  const maps = assignmentMaps(assignment);
  for (const tensor of [assignment.samples, assignment.counts, assignment.table]) tensor.dispose();
  return { ...maps, thresholds: assignment.thresholds };
}
