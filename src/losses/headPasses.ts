import boxSource from '../../shaders/losses/head_box.wgsl';
import classSource from '../../shaders/losses/head_class.wgsl';
import factorsSource from '../../shaders/losses/head_factors.wgsl';
import termsSource from '../../shaders/losses/head_terms.wgsl';
import totalSource from '../../shaders/losses/head_total.wgsl';
import vlrSource from '../../shaders/losses/head_vlr.wgsl';
import type { Assignment } from '../regions/assignment.js';
import { layoutTable, type Maps, tensorOf } from '../tensor/layout.js';
import type { Tensor } from '../tensor/tensor.js';
import type { HeadSetting } from './headSetting.js';
import { classFactor, levelTable, type StreamPartials } from './headStream.js';
import type { Recipe } from './recipe.js';

const CLASS = { name: 'head class', source: classSource };
const FACTORS = { name: 'head factors', source: factorsSource };
const BOX = { name: 'head box', source: boxSource };
const VLR = { name: 'head vlr', source: vlrSource };
const TERMS = { name: 'head terms', source: termsSource };
const TOTAL = { name: 'head total', source: totalSource };

/** Rows of a workgroup, see head_share.wgsl. */
const GROUP = 64;
/** Words of a positive's record, RECORD of head_records.wgsl. */
const RECORD = 13;
/** Words of a sample that is no positive, OTHER of head_records.wgsl. */
const OTHER = 2;
/** Which samples a pass goes over: COUNT_POSITIVES or COUNT_SAMPLES of shaders/regions/sample.wgsl. */
const POSITIVES = 0;
const ALL_SAMPLES = 1;

/** The losses of samples, in the layout of shaders/losses/head_records.wgsl. */
export interface Records {
  /** u32. */
  tensor: Tensor;
  /** Word of the first sample that is no positive. */
  others: number;
}

/**
 * The samples' class losses and the positives' weights and expected edges.
 */
export function classSamples(
  setting: HeadSetting,
  { student, teacher, box }: { student: Maps; teacher: Maps; box: Maps },
  { samples, counts, slots, targets, maxPositives, maxSamples }: Assignment,
  gradient: Tensor,
): Records {
  const { device, recipe, classes } = setting;
  const { kd, ld } = recipe;
  const which = kd.vlr > 0 ? ALL_SAMPLES : POSITIVES;
  const others = RECORD * maxPositives;
  const records = device.empty([others + (kd.vlr > 0 || ld.vlr > 0 ? OTHER * maxSamples : 0)], 'u32');
  const distils = kd.main > 0 || kd.vlr > 0;
  device.run({
    kernel: CLASS,
    constants: {
      ...codecConstants(recipe),
      KD: distils ? 1 + ['softmax', 'binary'].indexOf(kd.form) : 0,
    },
    bindings: {
      student: tensorOf(student).range,
      teacher: tensorOf(teacher).range,
      box_logits: tensorOf(box).range,
      targets: targets.range4,
      counts: counts.range,
      samples: samples.range,
      gradient: gradient.range,
      records: records.range,
    },
    params: {
      ...classFactor(setting),
      ...sampleParams(setting, slots),
      classes,
      which,
      beta: recipe.classification.beta,
      temperature: kd.temperature,
      kd_weight: kd.main,
      kd_vlr_weight: kd.vlr,
      kd_normaliser: ['level', 'region', 'none'].indexOf(kd.normaliser),
      other_records: others,
      student_layout: layoutTable(student),
      teacher_layout: layoutTable(teacher),
      box_layout: layoutTable(box),
    },
    workgroups: workgroupsOf(setting, which === POSITIVES ? maxPositives : maxSamples),
  });
  return { tensor: records, others };
}

/** [4] weights of box, DFL, LD and LD in the VLR over their normalisers, which take the scores of `classSamples`. */
export function boxFactors(
  { device, recipe, batch }: HeadSetting,
  { counts }: Assignment,
  { tensor: records }: Records,
): Tensor {
  const { box, dfl, ld } = recipe;
  const factors = device.empty([4]);
  device.run({
    kernel: FACTORS,
    bindings: { counts: counts.range, records: records.range, factors: factors.range },
    params: {
      batch,
      box_normaliser: ['weights', 'positives', 'none'].indexOf(box.normaliser),
      ld_normaliser: ['reference', 'weights', 'none'].indexOf(ld.normaliser),
      box_weight: box.weight,
      dfl_weight: dfl.weight,
      ld_weight: ld.main,
      ld_vlr_weight: ld.vlr,
    },
    workgroups: [1, 1, 1],
  });
  return factors;
}

/** The box losses of all samples. */
export function boxSamples(
  setting: HeadSetting,
  { student, teacher }: { student: Maps; teacher: Maps },
  { samples, counts, slots, targets, maxPositives, maxSamples }: Assignment,
  { gradient, records, factors }: { gradient: Tensor; records: Records; factors: Tensor },
): void {
  const { device, recipe, grid, batch, bins } = setting;
  const bindings = {
    student: tensorOf(student).range,
    teacher: tensorOf(teacher).range,
    counts: counts.range,
    samples: samples.range,
    factors: factors.range,
    gradient: gradient.range,
    records: records.tensor.range,
  };
  const layouts = { student_layout: layoutTable(student), teacher_layout: layoutTable(teacher) };
  device.run({
    kernel: BOX,
    constants: positiveConstants(recipe),
    bindings: { ...bindings, targets: targets.range4 },
    params: { ...positiveParams(setting, slots), ...layouts },
    workgroups: workgroupsOf(setting, maxPositives),
  });
  if (recipe.ld.vlr === 0) return;
  device.run({
    kernel: VLR,
    constants: { BINS: bins },
    bindings,
    params: {
      batch,
      level_count: grid.levels.length,
      image_slots: slots,
      other_records: records.others,
      temperature: recipe.ld.temperature,
      levels: grid.levelTable,
      ...layouts,
    },
    workgroups: workgroupsOf(setting, maxSamples),
  });
}

/** Adds all losses: terms [8, levels], faults [8, levels] (~location of the first bad one, 0 without), total [1]. */
export function addTerms(
  { device, recipe, grid, batch }: HeadSetting,
  { samples, counts, slots }: Assignment,
  stream: StreamPartials,
  { records, imitation }: { records: Records; imitation: Tensor | null },
): { terms: Tensor; faults: Tensor; total: Tensor } {
  const levels = grid.levels.length;
  const terms = device.empty([8, levels]);
  const faults = device.empty([8, levels], 'u32');
  const total = device.empty([1]);
  device.run({
    kernel: TERMS,
    bindings: {
      counts: counts.range,
      stream: stream.partials.range,
      samples: samples.range,
      records: records.tensor.range,
      imitation: (imitation ?? counts).range,
      terms: terms.range,
      faults: faults.range,
    },
    params: {
      batch,
      level_count: levels,
      image_slots: slots,
      stream_count: stream.partials.size,
      ld_vlr: recipe.ld.vlr > 0 ? 1 : 0,
      kd_vlr: recipe.kd.vlr > 0 ? 1 : 0,
      other_records: records.others,
      imitates: imitation ? 1 : 0,
      levels: levelTable(
        grid,
        stream.starts.map((start) => GROUP * start),
      ),
    },
    workgroups: [levels, 1, 1],
  });
  device.run({
    kernel: TOTAL,
    bindings: { terms: terms.range, total: total.range },
    params: { count: terms.size },
    workgroups: [1, 1, 1],
  });
  return { terms, faults, total };
}

function sampleParams({ recipe, grid, batch, bins }: HeadSetting, slots: number) {
  return {
    batch,
    level_count: grid.levels.length,
    image_slots: slots,
    bins,
    centre_offset: recipe.regions.centreOffset,
    anchor: recipe.regions.octaveScale,
    levels: grid.levelTable,
  };
}

/** The uniform fields of shaders/losses/head_positive_fields.wgsl. */
function positiveParams(setting: HeadSetting, slots: number) {
  const { box, dfl, ld } = setting.recipe;
  return {
    ...sampleParams(setting, slots),
    temperature: ld.temperature,
    margin: dfl.margin,
    bounded_weight: box.bounded,
  };
}

/** The constants that shaders/losses/head_positive.wgsl asks for: no code of terms that the recipe has not. */
function positiveConstants(recipe: Recipe) {
  const { box, ld } = recipe;
  return {
    ...codecConstants(recipe),
    CIOU: box.form === 'ciou' ? 1 : 0,
    DISTIL: ld.main > 0 || ld.vlr > 0 ? 1 : 0,
    BOUNDED: box.bounded > 0 ? 1 : 0,
  };
}

function codecConstants({ box }: Recipe) {
  return { OFFSET_BOX: box.parameters === 'offset' ? 1 : 0 };
}

/**
 * Workgroups of each image that take turns with its groups of 64 samples, of which usually few exist. On CPU adapters an empty
 * workgroup costs as much as a full one.
 * @param most samples of all images
 */
function workgroupsOf({ device, batch }: HeadSetting, most: number): [number, number, number] {
  const groups = Math.ceil(device.choice('rows.workgroups') / batch);
  return [Math.min(groups, Math.ceil(most / GROUP)), batch, 1];
}
