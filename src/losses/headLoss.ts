import boxSource from '../../shaders/losses/head_box.wgsl';
import classSource from '../../shaders/losses/head_class.wgsl';
import factorsSource from '../../shaders/losses/head_factors.wgsl';
import rowsSource from '../../shaders/losses/head_rows.wgsl';
import termsSource from '../../shaders/losses/head_terms.wgsl';
import totalSource from '../../shaders/losses/head_total.wgsl';
import { DeviceError, InputError } from '../gpu/error.js';
import { type Assignment, assignAtss } from '../regions/atss.js';
import { type Grid, gridParams, makeGrid } from '../regions/grid.js';
import type { Truth } from '../regions/truth.js';
import { valuableRegion } from '../regions/vlr.js';
import type { Device } from '../tensor/device.js';
import { assertMaps, layoutTable, type Maps, tensorOf } from '../tensor/layout.js';
import { Pyramid } from '../tensor/pyramid.js';
import type { Tensor } from '../tensor/tensor.js';
import { imitationTerm } from './headImitation.js';
import { needsTeacher, type PartialRecipe, type Recipe, resolveRecipe } from './recipe.js';

const ROWS = { name: 'head_rows', source: rowsSource };
const FACTORS = { name: 'head_factors', source: factorsSource };
const CLASS = { name: 'head_class', source: classSource };
const BOX = { name: 'head_box', source: boxSource };
const TERMS = { name: 'head_terms', source: termsSource };
const TOTAL = { name: 'head_total', source: totalSource };

/** Bytes of a Row, see shaders/losses/head_row.wgsl. */
const ROW_FLOATS = 8;
/** Bins that kernels hold in registers; MAX_BINS of shaders/lib/bins.wgsl. */
const MAX_BINS = 64;

/** The loss terms in the order of `terms`; the names are those of the reference implementation. */
export const TERM_NAMES = [
  'loss_cls',
  'loss_bbox',
  'loss_dfl',
  'loss_ld',
  'loss_ld_vlr',
  'loss_kd',
  'loss_kd_neg',
  'loss_im',
] as const;
export type TermName = (typeof TERM_NAMES)[number];

/** Where the logits of a term's fault lie, for the message. */
const FAULT_SOURCES: Record<TermName, string> = {
  loss_cls: "the student's class logits",
  loss_bbox: "the student's logits",
  loss_dfl: "the student's logits",
  loss_ld: "the student's or the teacher's box logits",
  loss_ld_vlr: "the student's or the teacher's box logits",
  loss_kd: "the student's or the teacher's class logits",
  loss_kd_neg: "the student's or the teacher's class logits",
  loss_im: "the student's or the teacher's features",
};

export interface HeadLossOptions {
  classes: number;
  /** Bins of an edge's distribution, reg_max + 1. */
  bins: number;
  /** Pixels between neighbouring locations, one entry a level. */
  strides: readonly number[];
  /** Of the network's input, pixels. */
  imageSize: { width: number; height: number };
  /** Images in a step. */
  batch: number;
  recipe: string | PartialRecipe;
}

/** What a head gives: class logits (C channels), box logits (4·bins channels, edge-major), and features for imitation. */
export interface HeadOutputs {
  classLogits: Maps;
  boxLogits: Maps;
  features?: Pyramid;
}

export interface HeadLossInput {
  student: HeadOutputs;
  /** Needed where the recipe distils. Nothing flows back into it. */
  teacher?: HeadOutputs;
  truth: Truth;
}

/** Which locations learn what; each in the order of a pyramid of one channel (level, image, row-major). */
export interface HeadRegions extends Assignment {
  /** f32: weight in the valuable localization region, 0 outside. */
  vlr: Tensor;
  /** f32: 1 where features are imitated; null where the recipe does not imitate. */
  imitation: Tensor | null;
}

/** The losses on the host. */
export interface HeadLossValues {
  total: number;
  /** One value a level. */
  terms: Record<TermName, number[]>;
}

/** The result of `evaluate`; everything stays on the GPU until `read`. */
export interface HeadLossResult {
  /** [8, levels], rows in the order of `TERM_NAMES`, weights included. */
  terms: Tensor;
  /** [1], the sum of the terms. */
  total: Tensor;
  /** Gradients of `total`, laid out as the student's outputs. */
  gradients: { classLogits: Tensor; boxLogits: Tensor; features: Pyramid | null };
  regions: HeadRegions;
  /**
   * Reads the losses.
   * @throws DeviceError that names term, level and image where a loss is not finite
   */
  read(): Promise<HeadLossValues>;
  /** Gives all memory of the result back. */
  dispose(): void;
}

/**
 * The losses of a dense head with distribution boxes and their gradients: QFL, GIoU, DFL, localization distillation on the
 * main region and the VLR, class distillation, feature imitation (Zheng et al., CVPR 2022; GFocal, NeurIPS 2020).
 * The gradient is computed in the forward pass.
 */
export class HeadLoss {
  readonly device: Device;
  readonly recipe: Recipe;
  readonly grid: Grid;
  readonly classes: number;
  readonly bins: number;
  readonly batch: number;
  readonly #locations: number;

  /** @throws InputError for a wrong option or recipe; the message names it */
  constructor(device: Device, { classes, bins, strides, imageSize, batch, recipe }: HeadLossOptions) {
    assertCount('classes', classes, 1);
    assertCount('batch', batch, 1);
    assertCount('bins', bins, 2);
    if (bins > MAX_BINS) throw new InputError(`bins: ${bins}; at most ${MAX_BINS} are supported.`);
    this.device = device;
    this.recipe = resolveRecipe(recipe);
    const { octaveScale, centreOffset } = this.recipe.regions;
    this.grid = makeGrid({ imageSize, strides, octaveScale, centreOffset });
    this.classes = classes;
    this.bins = bins;
    this.batch = batch;
    this.#locations = batch * this.grid.locations;
  }

  /**
   * Records the losses and gradients; nothing is read back.
   * @throws InputError when an output does not fit the options, before anything is recorded
   */
  evaluate({ student, teacher, truth }: HeadLossInput): HeadLossResult {
    this.#assertInput(student, teacher, truth);
    const { device, recipe, grid, batch } = this;
    const taught = teacher ?? student;
    const result = device.tidy(() => {
      const { topk, ignoreIofThreshold, vlr: variant, gamma } = recipe.regions;
      const assignment = assignAtss(grid, truth, { topk, ignoreIofThreshold });
      const vlr = valuableRegion(grid, truth, assignment, { variant, gamma });
      const rows = this.#rows(student, truth, assignment, vlr);
      const factors = this.#factors(rows);
      const partials = device.empty([TERM_NAMES.length, this.#locations]);
      const classGradient = this.#gradientOf(student.classLogits);
      const boxGradient = this.#gradientOf(student.boxLogits);
      this.#classPass(student, taught, { rows, factors, partials, gradient: classGradient });
      this.#boxPass(student, taught, { rows, factors, partials, gradient: boxGradient });
      const { bins } = this;
      const imitation = imitationTerm({
        recipe,
        grid,
        bins,
        student,
        teacher: taught,
        truth,
        assignment,
        factors,
        partials,
      });
      const terms = device.empty([TERM_NAMES.length, grid.levels.length]);
      const faults = device.empty([TERM_NAMES.length, grid.levels.length], 'u32');
      const total = device.empty([1]);
      const table = levelParameters(batch, grid);
      device.run({
        kernel: TERMS,
        bindings: { partials: partials.range, terms: terms.range, faults: faults.range },
        params: { ...table, locations: this.#locations },
        workgroups: [grid.levels.length, TERM_NAMES.length, 1],
      });
      device.run({
        kernel: TOTAL,
        bindings: { terms: terms.range, total: total.range },
        params: { count: terms.size },
        invocations: 1,
      });
      const gradients = { classLogits: classGradient, boxLogits: boxGradient, features: imitation.gradient };
      return { terms, faults, total, gradients, regions: { ...assignment, vlr, imitation: imitation.mask } };
    });
    const { faults, ...visible } = result;
    return {
      ...visible,
      read: () => this.#read(result.terms, result.total, faults),
      dispose: () => {
        const { classLogits, boxLogits, features } = result.gradients;
        for (const tensor of [result.terms, faults, result.total, classLogits, boxLogits, features]) tensor?.dispose();
        for (const tensor of Object.values(result.regions)) tensor?.dispose();
      },
    };
  }

  #rows(student: HeadOutputs, truth: Truth, assignment: Assignment, vlr: Tensor): Tensor {
    const { device, grid, recipe } = this;
    const rows = device.empty([this.#locations, ROW_FLOATS]);
    device.run({
      kernel: ROWS,
      constants: this.#constants(),
      bindings: {
        class_logits: tensorOf(student.classLogits).range,
        box_logits: tensorOf(student.boxLogits).range,
        label: assignment.label.range,
        matched: assignment.matched.range,
        label_weight: assignment.weight.range,
        region: vlr.range,
        truth: truth.boxes.range4,
        rows: rows.range,
      },
      params: {
        ...levelParameters(this.batch, grid),
        locations: this.#locations,
        classes: this.classes,
        centre_offset: recipe.regions.centreOffset,
        anchor: recipe.regions.octaveScale,
        class_layout: layoutTable(student.classLogits),
        box_layout: layoutTable(student.boxLogits),
      },
      invocations: this.#locations,
    });
    return rows;
  }

  #factors(rows: Tensor): Tensor {
    const { device, recipe, grid } = this;
    const factors = device.empty([8 + 4 * grid.levels.length]);
    device.run({
      kernel: FACTORS,
      bindings: { rows: rows.range, factors: factors.range },
      params: {
        ...levelParameters(this.batch, grid),
        classes: this.classes,
        cls_normaliser: ['images', 'positives', 'none'].indexOf(recipe.classification.normaliser),
        box_normaliser: ['weights', 'positives', 'none'].indexOf(recipe.box.normaliser),
        ld_normaliser: ['reference', 'weights', 'none'].indexOf(recipe.ld.normaliser),
        kd_normaliser: ['level', 'region', 'none'].indexOf(recipe.kd.normaliser),
        cls_weight: recipe.classification.weight,
        box_weight: recipe.box.weight,
        dfl_weight: recipe.dfl.weight,
        ld_weight: recipe.ld.main,
        ld_vlr_weight: recipe.ld.vlr,
        kd_weight: recipe.kd.main,
        kd_vlr_weight: recipe.kd.vlr,
      },
      workgroups: [1, 1, 1],
    });
    return factors;
  }

  #classPass(student: HeadOutputs, teacher: HeadOutputs, { rows, factors, partials, gradient }: PassTensors): void {
    const { recipe } = this;
    this.device.run({
      kernel: CLASS,
      bindings: {
        student: tensorOf(student.classLogits).range,
        teacher: tensorOf(teacher.classLogits).range,
        rows: rows.range,
        factors: factors.range,
        gradient: gradient.range,
        partials: partials.range,
      },
      params: {
        ...levelParameters(this.batch, this.grid),
        locations: this.#locations,
        classes: this.classes,
        beta: recipe.classification.beta,
        temperature: recipe.kd.temperature,
        binary: recipe.kd.form === 'binary' ? 1 : 0,
        student_layout: layoutTable(student.classLogits),
        teacher_layout: layoutTable(teacher.classLogits),
      },
      invocations: this.#locations,
    });
  }

  #boxPass(student: HeadOutputs, teacher: HeadOutputs, { rows, factors, partials, gradient }: PassTensors): void {
    const { recipe } = this;
    this.device.clear(gradient.range);
    this.device.run({
      kernel: BOX,
      constants: this.#constants(),
      bindings: {
        student: tensorOf(student.boxLogits).range,
        teacher: tensorOf(teacher.boxLogits).range,
        rows: rows.range,
        factors: factors.range,
        gradient: gradient.range,
        partials: partials.range,
      },
      params: {
        ...levelParameters(this.batch, this.grid),
        locations: this.#locations,
        classes: this.classes,
        temperature: recipe.ld.temperature,
        margin: recipe.dfl.margin,
        centre_offset: recipe.regions.centreOffset,
        anchor: recipe.regions.octaveScale,
        ciou: recipe.box.form === 'ciou' ? 1 : 0,
        student_layout: layoutTable(student.boxLogits),
        teacher_layout: layoutTable(teacher.boxLogits),
      },
      invocations: this.#locations,
    });
  }

  #constants(): Record<string, number> {
    return { BINS: this.bins, OFFSET_BOX: this.recipe.box.parameters === 'offset' ? 1 : 0 };
  }

  #gradientOf(maps: Maps): Tensor {
    if (!(maps instanceof Pyramid)) return this.device.empty(maps.tensor.shape);
    return Pyramid.empty(this.device, maps.batch, maps.channels, maps.levels);
  }

  async #read(terms: Tensor, total: Tensor, faults: Tensor): Promise<HeadLossValues> {
    const [termValues, totalValue, bad] = await Promise.all([terms.read(), total.read(), faults.read()]);
    const levels = this.grid.levels.length;
    const values = {} as Record<TermName, number[]>;
    for (const [index, name] of TERM_NAMES.entries()) {
      values[name] = Array.from(termValues.subarray(index * levels, (index + 1) * levels));
      const level = values[name].findIndex(
        (value, l) => bad[index * levels + l] !== 0xffffffff || !Number.isFinite(value),
      );
      if (level >= 0) throw this.#fault(name, level, bad[index * levels + level]);
    }
    return { total: totalValue[0], terms: values };
  }

  #fault(name: TermName, level: number, location: number): DeviceError {
    const { height, width } = this.grid.levels[level];
    const before = this.grid.areas.slice(0, level).reduce((sum, area) => sum + area, 0);
    const index = location - this.batch * before;
    const image = Math.floor(index / (height * width));
    const cell = index % (height * width);
    const where =
      location === 0xffffffff
        ? `level ${level}`
        : `level ${level} (stride ${this.grid.strides[level]}), image ${image}, row ${Math.floor(cell / width)}, column ${cell % width}`;
    return new DeviceError(
      `${name} is not finite at ${where}: ${FAULT_SOURCES[name]} hold NaN or infinity there. A lower learning rate, warm-up or gradient clipping keeps training finite.`,
    );
  }

  #assertInput(student: HeadOutputs, teacher: HeadOutputs | undefined, truth: Truth): void {
    const { recipe, classes, bins, batch, grid } = this;
    const { areas } = grid;
    if (truth.batch !== batch || truth.classes !== classes) {
      throw new InputError(
        `truth: made for ${truth.batch} images and ${truth.classes} classes; expected ${batch} and ${classes}.`,
      );
    }
    if (!teacher && needsTeacher(recipe)) {
      throw new InputError(
        `teacher: recipe ${recipe.name} distils; give the teacher's outputs, or use the recipe gfocal.`,
      );
    }
    for (const [name, outputs] of Object.entries({ student, ...(teacher && { teacher }) })) {
      const { classLogits, boxLogits, features } = outputs;
      const classMeaning = `classes; both nets need the same`;
      assertMaps(`${name}.classLogits`, classLogits, { batch, channels: classes, areas, meaning: classMeaning });
      const boxMeaning = `4 edges × ${bins} bins; LD compares bin with bin, so both nets need the same bins`;
      assertMaps(`${name}.boxLogits`, boxLogits, { batch, channels: 4 * bins, areas, meaning: boxMeaning });
      if (recipe.imitation.weight > 0) {
        if (!features) throw new InputError(`${name}.features: recipe ${recipe.name} imitates features; give them.`);
        const { channels } = student.features ?? features;
        const meaning = "the student's width; bring it to the teacher's with a 1×1 convolution";
        assertMaps(`${name}.features`, features, { batch, channels, areas, meaning });
      }
    }
  }
}

interface PassTensors {
  rows: Tensor;
  factors: Tensor;
  partials: Tensor;
  gradient: Tensor;
}

function levelParameters(batch: number, grid: Grid) {
  return { batch, level_count: grid.levels.length, levels: gridParams(grid, batch).levels };
}

function assertCount(name: string, value: number, minimum: number): void {
  if (!Number.isInteger(value) || value < minimum) {
    throw new InputError(`${name}: ${value}; expected an integer of at least ${minimum}.`);
  }
}
