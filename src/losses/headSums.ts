import factorsSource from '../../shaders/losses/head_factors.wgsl';
import { constants as sums } from '../../shaders/losses/head_term_sums.wgsl';
import termsSource from '../../shaders/losses/head_terms.wgsl';
import mergedSource from '../../shaders/losses/head_terms_merged.wgsl';
import totalSource from '../../shaders/losses/head_total.wgsl';
import type { Launch } from '../gpu/launch.js';
import type { Assignment } from '../regions/assignment.js';
import { taughtMask, untaughtLevels } from '../regions/teacherHead.js';
import type { Device } from '../tensor/device.js';
import type { Parts } from '../tensor/parts.js';
import type { Tensor } from '../tensor/tensor.js';
import type { HeadSetting, Records } from './headSetting.js';
import { shareFactors } from './headShares.js';
import { levelTable, STREAM_GROUP, type StreamPartials } from './headStream.js';
import { needsWeights, scaleOf } from './headTerm.js';
import { TERM_NAMES, TERMS } from './headTerms.js';

const FACTORS_KERNEL = { name: 'head factors', source: factorsSource };
const TERMS_KERNEL = { name: 'head terms', source: termsSource };
const MERGED_KERNEL = { name: 'head terms, merged', source: mergedSource };
const TOTAL_KERNEL = { name: 'head total', source: totalSource };

const FACTOR_LEVELS = 8;
/** Invocations that read the terms for their sum, where there are many. */
const TOTAL_LANES = 64;

/** [terms + 1, 8 levels] f32: each term's weight over its normaliser, once the weights are found; the last row is for sums of weights. */
export function* termFactors(
  setting: HeadSetting,
  { samples, counts, slots }: Assignment,
  { partials, count, weights }: StreamPartials,
  { tensor: records }: Records,
): Parts<Tensor> {
  const { device, grid, batch, shares, teacher } = setting;
  const scales = TERMS.map((term) => scaleOf(term, setting));
  const sumsShared = shares > 1 && scales.some(needsWeights);
  const shape = [TERM_NAMES.length + 1, FACTOR_LEVELS];
  const factors = sumsShared ? device.zeros(shape) : device.empty(shape);
  const launch: Launch = {
    kernel: FACTORS_KERNEL,
    constants: { SKIPS: untaughtLevels(teacher).length > 0 ? 1 : 0, AHEAD: isSplit(device) ? 1 : 0 },
    bindings: {
      counts: counts.range,
      records: records.range,
      samples: samples.range,
      stream: partials.range,
      factors: factors.range,
    },
    params: {
      batch,
      level_count: grid.levels.length,
      image_slots: slots,
      levels: grid.levelTable,
      taught: taughtMask(teacher),
      stream_count: count,
      weighed: weights ? 1 : 0,
      scales: scales.flatMap(({ weight, normaliser, needsPositives }) => [
        weight,
        normaliser,
        needsPositives ? 1 : 0,
        0,
      ]),
    },
    workgroups: [1, 1, 1],
  };
  yield* shareFactors(launch, factors, sumsShared ? shares : 1);
  return factors;
}

/** Adds all losses into terms [terms, levels], faults (likewise; ~location of the first bad one, else 0) and total [1]. */
export function addTerms(
  setting: HeadSetting,
  { samples, counts, slots }: Assignment,
  stream: StreamPartials,
  { records, everywhere, imitation }: { records: Records; everywhere: Tensor | null; imitation: Tensor | null },
): { terms: Tensor; faults: Tensor; total: Tensor } {
  const { device, recipe, grid, batch } = setting;
  const { ld, kd, iouLd } = recipe;
  const levels = grid.levels.length;
  const terms = device.empty([TERM_NAMES.length, levels]);
  const faults = device.empty([TERM_NAMES.length, levels], 'u32');
  const total = device.empty([1]);
  const launch: Launch = {
    kernel: TERMS_KERNEL,
    bindings: {
      counts: counts.range,
      stream: stream.partials.range,
      samples: samples.range,
      records: records.tensor.range,
      imitation: (imitation ?? counts).range,
      everywhere: (everywhere ?? counts).range,
      terms: terms.range,
      faults: faults.range,
    },
    params: {
      batch,
      level_count: levels,
      image_slots: slots,
      stream_count: stream.count,
      ld_vlr: ld.vlr > 0 ? 1 : 0,
      kd_vlr: kd.vlr > 0 ? 1 : 0,
      other_records: records.others,
      imitates: imitation ? 1 : 0,
      kd_all: kd.all > 0 ? 1 : 0,
      locations: batch * grid.locations,
      ld_all: everywhere && ld.all > 0 ? 1 : 0,
      iou_all: everywhere && iouLd.weight > 0 && iouLd.region === 'all' ? 1 : 0,
      levels: levelTable(
        grid,
        stream.starts.map((start) => STREAM_GROUP * start),
      ),
    },
    workgroups: [levels, 1, 1],
  };
  if (isSplit(device)) addSplit(launch, { batch, terms, faults });
  else device.run(launch);
  addTotal(terms, total);
  return { terms, faults, total };
}

/** What the launch does by a workgroup a level, bit for bit, by one for each source of losses on each level. */
function addSplit(launch: Launch, { batch, terms, faults }: { batch: number; terms: Tensor; faults: Tensor }): void {
  const { device } = terms;
  const levels = terms.shape[1];
  const sources = sums.SOURCE_IMAGES + 2 * batch;
  const codes = device.empty([levels, sources, sums.SIZE, 2], 'u32');
  device.run({
    ...launch,
    constants: { SPLIT: 1 },
    bindings: { ...launch.bindings, faults: codes.range },
    workgroups: [levels, sources, 1],
  });
  device.run({
    kernel: MERGED_KERNEL,
    bindings: { sums: codes.range, terms: terms.range, faults: faults.range },
    params: { level_count: levels, sources },
    workgroups: [levels, 1, 1],
  });
  codes.dispose();
}

/** Whether sums of losses are spread over as many workgroups and reads as there can be. */
function isSplit(device: Device): boolean {
  return device.choice('terms.workgroups') === 'sources';
}

/** total <- the sum of the terms. */
export function addTotal(terms: Tensor, total: Tensor): void {
  const { device } = terms;
  device.run({
    kernel: TOTAL_KERNEL,
    constants: { LANES: isSplit(device) ? TOTAL_LANES : 1 },
    bindings: { terms: terms.range, total: total.range },
    params: { count: terms.size },
    workgroups: [1, 1, 1],
  });
}
