import type { KernelDefinition } from '../gpu/launch.js';
import type { Tensor } from '../tensor/tensor.js';
import { type Assignment, COUNTS, SAMPLE_WORDS } from './assignment.js';
import type { AtssOptions } from './atssCandidates.js';
import { type Grid, gridParams } from './grid.js';
import type { Truth } from './truth.js';

/** What an assigner found for the objects of a batch. */
interface Found {
  /** One that includes shaders/regions/list_samples.wgsl. */
  kernel: KernelDefinition;
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

/** Lists the positives and the VLR of a batch, in one dispatch. @param constants of the kernel, besides those of the VLR */
export function listSamples(
  grid: Grid,
  truth: Truth,
  { kernel, positives, topk, most, table, windows }: Found,
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
  device.run({
    kernel,
    constants: { ...constants, VLR: windows ? 1 : 0, REFERENCE: windows && vlr === 'reference' ? 1 : 0 },
    bindings: {
      boxes: truth.boxes.range4,
      labels: truth.labels.range,
      image_starts: truth.imageStarts.range,
      positives: positives.range,
      windows: (windows ?? truth.boxes).range4,
      table: table.range,
      samples: samples.range,
      counts: counts.range,
    },
    params: { ...gridParams(grid, batch), image_slots: slots, topk, gamma },
    workgroups: [batch, 1, 1],
  });
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
}
