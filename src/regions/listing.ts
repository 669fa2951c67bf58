import { constants as claimConstants } from '../../shaders/regions/claims.wgsl';
import chosenSource from '../../shaders/regions/list_chosen.wgsl';
import chosenObjectsSource from '../../shaders/regions/list_chosen_objects.wgsl';
import { constants as steps } from '../../shaders/regions/list_objects.wgsl';
import { constants as list } from '../../shaders/regions/list_samples.wgsl';
import sumsSource from '../../shaders/regions/list_sums.wgsl';
import type { KernelDefinition } from '../gpu/launch.js';
import type { Tensor } from '../tensor/tensor.js';
import { type Assignment, COUNTS, SAMPLE_WORDS } from './assignment.js';
import type { AtssOptions } from './atssCandidates.js';
import { type Grid, gridParams } from './grid.js';
import type { Truth } from './truth.js';

const { PARTS } = claimConstants;
const { CLAIM, COUNT, PLACE } = steps;

const SUMS = { name: 'regions/list_sums', source: sumsSource };

/** The kernels that list what an assigner found, by the choice `lists.workgroups`. */
interface ListKernels {
  /** A workgroup an image: includes shaders/regions/list_samples.wgsl. */
  image: KernelDefinition;
  /** Workgroups of each object: includes shaders/regions/list_objects.wgsl. */
  objects: KernelDefinition;
}

/** Of assigners that choose by the student's outputs. */
export const LIST_CHOSEN: ListKernels = {
  image: { name: 'regions/list_chosen', source: chosenSource },
  objects: { name: 'regions/list_chosen_objects', source: chosenObjectsSource },
};

/** What an assigner found for the objects of a batch. */
interface Found {
  kernels: ListKernels;
  positives: Tensor;
  /** Entries of an object in `positives`, on a level or on all together. */
  topk: number;
  /** The most positives of an object. */
  most: number;
  /** Of `labelTable`; goes over to the assignment. */
  table: Tensor;
  /** Of `atssCandidates`; null without a VLR. */
  windows: Tensor | null;
}

/** Lists the positives and the VLR of a batch. @param constants of the kernel, besides those of the VLR */
export function listSamples(
  grid: Grid,
  truth: Truth,
  { kernels, positives, topk, most, table, windows }: Found,
  { vlr, gamma }: Required<AtssOptions>,
  constants: Record<string, number> = {},
): Assignment {
  const { device } = truth.boxes;
  const { batch, classes } = truth;
  const { locations } = grid;
  const maxPositives = Math.max(1, Math.min(batch * locations, truth.count * most));
  const slots = windows ? locations : Math.min(locations, maxPositives);
  const samples = device.empty([batch, slots, SAMPLE_WORDS], 'u32');
  const counts = device.empty([batch, COUNTS.stride]);
  const launch = {
    constants: { ...constants, VLR: windows ? 1 : 0, REFERENCE: windows && vlr === 'reference' ? 1 : 0 },
    bindings: {
      boxes: truth.boxes.range4,
      labels: truth.labels.range,
      image_starts: truth.imageStarts.range,
      positives: positives.range,
      windows: (windows ?? truth.boxes).range4,
      table: table.range,
      samples: samples.range,
    },
    params: { ...gridParams(grid, batch), image_slots: slots, topk, gamma, locations: batch * locations },
  };
  if (device.choice('lists.workgroups') === 'image') {
    const bindings = { ...launch.bindings, counts: counts.range };
    device.run({ ...launch, kernel: kernels.image, bindings, workgroups: [batch, 1, 1] });
  } else {
    listByObjects();
  }
  return {
    batch,
    classes,
    locations,
    samples,
    slots,
    counts,
    table,
    targets: truth.boxes,
    maxPositives,
    maxSamples: windows ? batch * locations : maxPositives,
    dispose: () => {
      for (const tensor of [samples, counts, table]) tensor.dispose();
    },
  };

  /** The same lists as by a workgroup an image, bit for bit. */
  function listByObjects(): void {
    const { constants, bindings, params } = launch;
    const pieces = grid.levels.length * PARTS;
    const claims = device.zeros([2 * batch * locations + truth.count * (1 + pieces) + 2 * batch], 'u32');
    for (const STEP of [CLAIM, COUNT, PLACE]) {
      device.run({
        kernel: kernels.objects,
        constants: { ...constants, STEP },
        bindings: { ...bindings, claims: claims.range },
        params,
        workgroups: [truth.count, windows ? pieces : 1, 1],
      });
    }
    countListed(grid, {
      ...{ batch, slots, chains: list.SIZE, samples, counts, claims },
      imageStarts: truth.imageStarts,
      locations: batch * locations,
    });
    claims.dispose();
  }
}

/** Lists whose samples stand. */
interface Listed {
  batch: number;
  slots: number;
  /** Sums that are added up in the end, as many as the kernel of a workgroup an image has. */
  chains: number;
  samples: Tensor;
  counts: Tensor;
  /** Has the positives and samples of each image, where shaders/regions/claims.wgsl says by `imageStarts` and `locations`. */
  claims: Tensor;
  imageStarts: Tensor;
  locations: number;
}

/** Completes the counts of an assignment that many workgroups have listed. */
export function countListed(grid: Grid, listed: Listed): void {
  const { batch, slots, chains, samples, counts, claims, imageStarts, locations } = listed;
  samples.device.run({
    kernel: SUMS,
    constants: { CHAINS: chains },
    bindings: {
      image_starts: imageStarts.range,
      claims: claims.range,
      samples: samples.range,
      counts: counts.range,
    },
    params: { batch, level_count: grid.levels.length, image_slots: slots, locations, levels: grid.levelTable },
    workgroups: [batch, 1, 1],
  });
}
