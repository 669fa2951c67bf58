import expectedSource from '../../shaders/losses/head_cut_expected.wgsl';
import featuresSource from '../../shaders/losses/head_cut_features.wgsl';
import featuresSubgroupsSource from '../../shaders/losses/head_cut_features_subgroups.wgsl';
import gatherSource from '../../shaders/losses/head_cut_gather.wgsl';
import logitsSource from '../../shaders/losses/head_cut_logits.wgsl';
import logitsSubgroupsSource from '../../shaders/losses/head_cut_logits_subgroups.wgsl';
import rowsSource from '../../shaders/losses/head_cut_rows.wgsl';
import sumSource from '../../shaders/losses/head_cut_sum.wgsl';
import weightsSource from '../../shaders/losses/head_cut_weights.wgsl';
import weightsSubgroupsSource from '../../shaders/losses/head_cut_weights_subgroups.wgsl';
import type { Truth } from '../regions/truth.js';
import { layoutTable, tensorOf } from '../tensor/layout.js';
import type { Tensor } from '../tensor/tensor.js';
import { type BoxLayerGradients, inputsOf, isBoxLayer, mapsOf } from './boxLayer.js';
import { type Branches, type PackedBranches, packBranches, TILE } from './headCutPack.js';
import { type HeadSetting, mostPositives, mostRows, type RegionLists } from './headLists.js';
import {
  ALL_ROWS,
  GROUP,
  POSITIVES,
  positiveConstants,
  positiveParams,
  type Records,
  workgroupsOf,
} from './headPasses.js';

const GATHER = { name: 'head cut gather', source: gatherSource };
const LOGITS = {
  subgroups: { name: 'head cut logits, subgroups', source: logitsSubgroupsSource },
  direct: { name: 'head cut logits', source: logitsSource },
};
const EXPECTED = { name: 'head cut expected', source: expectedSource };
const ROWS = { name: 'head cut rows', source: rowsSource };
const FEATURES = {
  subgroups: { name: 'head cut features, subgroups', source: featuresSubgroupsSource },
  direct: { name: 'head cut features', source: featuresSource },
};
const WEIGHTS = {
  subgroups: { name: 'head cut weights, subgroups', source: weightsSubgroupsSource },
  direct: { name: 'head cut weights', source: weightsSource },
};
const SUM = { name: 'head cut sum', source: sumSource };

/** Rows of a block, BLOCK of head_cut_matrix.wgsl. */
const BLOCK = 512;
/** Channels that an invocation of head_cut_gather.wgsl takes, and invocations of weights_subgroups. */
const GATHERED = 64;
const WEIGHT_LANES = 8;
/**
 * Rounds cost nothing that could be measured, those that find nothing to do included; so they are small: at least so many rows,
 * and more only where there would be too many rounds.
 */
const MOST_ROUNDS = 16;
const LEAST_ROWS = 4096;

/** What the passes of Cut LD share. */
export interface Cut {
  setting: HeadSetting;
  truth: Truth;
  branches: Branches;
  lists: RegionLists;
  packed: PackedBranches;
  /** Rows of a round, whole blocks. */
  rows: number;
  /** Matrices of a round, see shaders/losses/head_cut_matrix.wgsl, and where its rows are. */
  places: Tensor;
  features: Tensor;
  logits: Tensor;
}

/** Packs weights and makes room for a round. */
export function prepareCut(setting: HeadSetting, truth: Truth, branches: Branches, lists: RegionLists): Cut {
  const { device, bins } = setting;
  const packed = packBranches(setting, truth, branches);
  const most = mostRows(setting, truth);
  const rows = BLOCK * Math.ceil(Math.min(most, Math.max(LEAST_ROWS, most / MOST_ROUNDS)) / BLOCK);
  const inputs = inputsOf(branches.student) + inputsOf(branches.teacher);
  return {
    setting,
    truth,
    branches,
    lists,
    packed,
    rows,
    places: device.empty([rows, 4], 'u32'),
    features: device.empty([Math.max(1, inputs * rows)]),
    logits: device.empty([2 * 4 * bins * rows]),
  };
}

/** [positives, 4] expected edges of the positives, from the student's layer. */
export function expectedEdges(cut: Cut): Tensor {
  const { setting, truth, lists, packed, places, logits } = cut;
  const { device, batch, bins } = setting;
  const expected = device.empty([mostPositives(setting, truth), 4]);
  for (const start of rounds(cut, POSITIVES)) {
    computeLogits(cut, { which: POSITIVES, start, nets: ['student'] });
    device.run({
      kernel: EXPECTED,
      constants: { BINS: bins },
      bindings: {
        constants: packed.constants.range4,
        counts: lists.counts.range,
        places: places.range,
        logits: logits.range,
        expected: expected.range4,
      },
      params: { batch, which: POSITIVES, start, round: cut.rows, scales: packed.scales },
      workgroups: workgroupsOf(device, cut.rows / GROUP),
    });
  }
  return expected;
}

/**
 * The last layer, the box losses and their gradients of the listed rows.
 * @param gradient laid out as the student's features (or logits), zeros
 * @returns the gradient of the student's branch
 */
export function cutRows(
  cut: Cut,
  { gradient, records, factors }: { gradient: Tensor; records: Records; factors: Tensor },
): Tensor | BoxLayerGradients {
  const { setting, branches, lists, packed, rows, logits } = cut;
  const { device, recipe, grid, batch, bins } = setting;
  const { counts } = lists;
  // Without LD in the VLR only the positives learn, which come first in the lists.
  const which = recipe.ld.vlr > 0 ? ALL_ROWS : POSITIVES;
  const looksAtTeacher = recipe.ld.main > 0 || recipe.ld.vlr > 0 || recipe.box.bounded > 0;
  const outputs = 4 * bins;
  const inputs = inputsOf(branches.student);
  const slopes = device.empty([(outputs + 1) * rows]);
  const partialSize = outputs * Math.ceil(inputs / 4) + bins + 2;
  const sums = device.empty([(4 * partialSize * rows) / BLOCK]);
  for (const start of rounds(cut, which)) {
    computeLogits(cut, { which, start, nets: looksAtTeacher ? ['student', 'teacher'] : ['student'] });
    device.run({
      kernel: ROWS,
      constants: { ...positiveConstants(recipe), BINS: bins, LISTS_VLR: which === ALL_ROWS ? 1 : 0 },
      bindings: {
        logits: logits.range,
        constants: packed.constants.range4,
        counts: counts.range,
        rows: lists.rows.range,
        factors: factors.range,
        slopes: slopes.range,
        records: records.tensor.range,
      },
      params: {
        ...positiveParams(setting, lists.slots),
        which,
        start,
        round: rows,
        matrix_size: outputs * rows,
        scales: packed.scales,
        boxes: packed.boxes,
      },
      workgroups: workgroupsOf(device, rows / GROUP),
    });
    gradientsOfRound(cut, { which, start, gradient, slopes, sums, partialSize });
  }
  if (!isBoxLayer(branches.student)) return gradient;

  const { weight, bias, levelScales } = branches.student;
  const levels = grid.levels.length;
  const layer = { weight: device.empty(weight.shape), bias: device.empty(bias.shape), scales: device.empty([levels]) };
  device.run({
    kernel: SUM,
    bindings: {
      counts: counts.range,
      partial: sums.range,
      weight: layer.weight.range,
      bias: layer.bias.range,
      scales: layer.scales.range,
    },
    params: { batch, which, level_count: levels, outputs, inputs, blocks: rows / BLOCK, partial_size: partialSize },
    invocations: outputs * 4 * Math.ceil(inputs / 4) + outputs + levels,
  });
  return { features: gradient, weight: layer.weight, bias: layer.bias, levelScales: levelScales ? layer.scales : null };
}

interface Round {
  /** The entries of the lists that count: POSITIVES or ALL_ROWS. */
  which: number;
  /** First of the round's. */
  start: number;
}

/** Fills the round's matrices of logits. */
function computeLogits(cut: Cut, { which, start, nets }: Round & { nets: ('student' | 'teacher')[] }): void {
  const { setting, branches, lists, packed, rows, places, features, logits } = cut;
  const { device, grid, batch, bins } = setting;
  const { student } = branches;
  const outputs = 4 * bins;
  const sources = nets.map((net) => {
    const own = net === 'student';
    return {
      branch: branches[net],
      inputs: inputsOf(branches[net]),
      places: own ? 1 : 0,
      features: own ? 0 : (inputsOf(student) * rows) / 4,
      logits: own ? 0 : (outputs * rows) / 4,
      weights: own ? 0 : packed.teacherWeights,
    };
  });
  for (const source of sources) {
    const channels = source.inputs || outputs;
    device.run({
      kernel: GATHER,
      bindings: {
        source: tensorOf(mapsOf(source.branch)).range,
        counts: lists.counts.range,
        rows: lists.rows.range,
        places: places.range,
        matrix: (source.inputs ? features : logits).range4,
      },
      params: {
        batch,
        level_count: grid.levels.length,
        image_slots: lists.slots,
        which,
        start,
        round: rows,
        channels,
        first: source.inputs ? source.features : source.logits,
        places: source.places,
        levels: grid.levelTable,
        source_layout: layoutTable(mapsOf(source.branch)),
      },
      workgroups: [blocksOf(cut), Math.ceil(channels / GATHERED), 1],
    });
  }
  const layers = sources.filter(({ inputs }) => inputs > 0);
  if (layers.length === 0) return;
  device.run({
    kernel: LOGITS[device.choice('convolution.weights')],
    bindings: {
      constants: packed.constants.range4,
      counts: lists.counts.range,
      matrix: features.range4,
      logits: logits.range4,
    },
    params: {
      batch,
      which,
      start,
      round: rows,
      outputs,
      nets: layers.flatMap((net) => [net.inputs, net.features, net.weights, net.logits]),
    },
    workgroups: [blocksOf(cut), Math.ceil(outputs / TILE), layers.length],
  });
}

/** From the slopes of a round: the gradient of its rows' features, and the sums for the layer's other parts. */
function gradientsOfRound(
  cut: Cut,
  round: Round & { gradient: Tensor; slopes: Tensor; sums: Tensor; partialSize: number },
): void {
  const { setting, branches, lists, packed, rows, places, features } = cut;
  const { device, grid, batch, bins } = setting;
  const { which, start, gradient, slopes, sums, partialSize } = round;
  const counts = lists.counts.range;
  const outputs = 4 * bins;
  const inputs = inputsOf(branches.student);
  const variant = device.choice('convolution.weights');
  device.run({
    kernel: FEATURES[variant],
    bindings: {
      constants: packed.constants.range4,
      counts,
      places: places.range,
      matrix: slopes.range4,
      gradient: gradient.range,
    },
    params: { batch, which, start, round: rows, outputs, inputs, transposed: packed.transposed },
    workgroups: [blocksOf(cut), Math.ceil((inputs || outputs) / TILE), 1],
  });
  if (inputs === 0) return;
  const fours = Math.ceil(inputs / 4);
  const tiles = Math.ceil(outputs / TILE);
  device.run({
    kernel: WEIGHTS[variant],
    bindings: { counts, places: places.range, features: features.range4, slopes: slopes.range4, partial: sums.range4 },
    params: {
      batch,
      which,
      start,
      round: rows,
      level_count: grid.levels.length,
      outputs,
      inputs,
      partial_size: partialSize,
      matrix_size: (outputs * rows) / 4,
    },
    workgroups:
      variant === 'subgroups'
        ? [blocksOf(cut), tiles + Math.ceil((bins + 2) / WEIGHT_LANES), Math.ceil(fours / WEIGHT_LANES)]
        : [Math.ceil((tiles * fours + bins + 2) / GROUP), blocksOf(cut), 1],
  });
}

/**
 * Workgroups that take the blocks of a round one after another; on a processor few, see shaders/losses/head_cut_matrix.wgsl. A
 * block has eight tiles of outputs, each a workgroup of its own.
 */
function blocksOf({ setting: { device }, rows }: Cut): number {
  return Math.min(rows / BLOCK, Math.ceil(device.choice('rows.workgroups') / 8));
}

/** The most entries of the lists that may count. */
function mostOf({ setting, truth }: Cut, which: number): number {
  const most = mostRows(setting, truth);
  return which === POSITIVES ? Math.min(most, mostPositives(setting, truth)) : most;
}

/** First entries of the rounds; at least one round, so that sums are written. */
function rounds(cut: Cut, which: number): number[] {
  const count = Math.max(1, Math.ceil(mostOf(cut, which) / cut.rows));
  return Array.from({ length: count }, (_, round) => round * cut.rows);
}
