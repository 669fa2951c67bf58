import { MAX_WORKGROUPS } from '../gpu/runtime.js';
import { assertTruth } from '../regions/argument.js';
import { type Assignment, assignAtss } from '../regions/atss.js';
import { type Grid, makeGrid } from '../regions/grid.js';
import type { Truth } from '../regions/truth.js';
import { valuableRegion } from '../regions/vlr.js';
import type { Device } from '../tensor/device.js';
import { openedDevice } from '../tensor/deviceArgument.js';
import { assertMaps, type Maps, tensorOf } from '../tensor/layout.js';
import { assertPyramid, type Pyramid } from '../tensor/pyramid.js';
import { Tensor } from '../tensor/tensor.js';
import { assertTensor } from '../tensor/tensorArgument.js';
import { anything, fields, numbers, optional, options as optionsOf } from '../util/argument.js';
import { DeviceError, InputError } from '../util/error.js';
import { assertBoxBranch, type BoxGradient, type BoxInput, isBoxLayer, mapsOf } from './boxLayer.js';
import { cutRows, expectedEdges, prepareCut } from './headCut.js';
import { assertTargets, type GradientTargets, type HeadGradients, headGradients } from './headGradients.js';
import { imitationTerm, logitsOf } from './headImitation.js';
import { type HeadSetting, listRegions, type RegionLists } from './headLists.js';
import { addTerms, boxFactors, boxRows, classRows, type Records } from './headPasses.js';
import { streamClasses } from './headStream.js';
import { needsTeacher, type PartialRecipe, type Recipe, resolveRecipe } from './recipe.js';

/** Bins that kernels hold in registers; MAX_BINS of shaders/lib/bins.wgsl. */
const MAX_BINS = 64;
/** A listed row keeps its class in 16 bits. */
const MAX_CLASSES = 65_535;
/** The most that the lists take a location: 16 a row, 16 for half a quad. */
const LIST_BYTES = 24;

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
/** One of `TERM_NAMES`. */
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

/** The head and how it is to learn. */
export interface HeadLossOptions {
  /** Number of classes, C, up to 65,535. */
  classes: number;
  /** Bins of an edge's distribution, reg_max + 1. */
  bins: number;
  /** Pixels between neighbouring locations, one entry a level, in the order in which the outputs have their levels. */
  strides: readonly number[];
  /**
   * The point of its cell that a location regresses from: 0 the top-left corner (GFocal, NanoDet), 0.5 the middle (YOLOv8,
   * FCOS). Default: the recipe's `regions.centreOffset`, 0 in those shipped.
   */
  centreOffset?: number;
  /** Of the network's input, pixels. */
  imageSize: { width: number; height: number };
  /** Images in a step. */
  batch: number;
  /** Name of a shipped recipe, or the fields that differ from `gfocal`. */
  recipe: string | PartialRecipe;
}

/**
 * What a head gives: class logits (C channels), box logits (4·bins channels, edge-major) or the layer that makes them, and
 * features for imitation.
 */
export interface HeadOutputs<Box extends BoxInput = Maps> {
  /** C channels: scores are their sigmoids. */
  classLogits: Maps;
  /** 4·bins channels, channel = edge · bins + bin, edges left, top, right, bottom; or the layer that makes them. */
  boxLogits: Box;
  /** Where the recipe imitates features: the neck's output, as many channels for both nets. */
  features?: Pyramid;
}

/** What `HeadLoss.evaluate` compares. */
export interface HeadLossInput<Box extends BoxInput = Maps, Taught extends BoxInput = Maps> {
  /** Of the net that learns. */
  student: HeadOutputs<Box>;
  /** Needed where the recipe distils. Nothing flows back into it. */
  teacher?: HeadOutputs<Taught>;
  /** The objects of the same images, from `uploadTruth`. */
  truth: Truth;
  /** Tensors of the caller's that the gradients are written into; new ones unless given. */
  gradients?: GradientTargets;
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
  /** The sum of all terms over all levels. */
  total: number;
  /** One value a level. */
  terms: Record<TermName, number[]>;
}

/** The result of `evaluate`; everything stays on the GPU until `read`. */
export interface HeadLossResult<Box = Maps> {
  /** [8, levels], rows in the order of `TERM_NAMES`, weights included. */
  terms: Tensor;
  /** [1], the sum of the terms. */
  total: Tensor;
  /** [8, levels] u32: ~index of the first location whose loss is not finite, 0 for none; for `HeadLoss.faultOf`. */
  faults: Tensor;
  /**
   * Gradients of `total`, laid out as the student's outputs: one tensor for class and box logits where these are one tensor.
   */
  gradients: {
    /** Laid out as the student's class logits. */
    classLogits: Tensor;
    /** Laid out as the student's box logits; of a `BoxLayer`, the gradients of its parts. */
    boxLogits: BoxGradient<Box>;
    /** Null where the recipe does not imitate features. */
    features: Pyramid | null;
  };
  /**
   * Records the maps of the regions, which the loss itself holds as lists only: to look at. The truth must not have been
   * disposed; the caller disposes the maps, but for `imitation`, which belongs to the result.
   */
  regions(): HeadRegions;
  /**
   * Reads the losses.
   * @throws DeviceError that names term, level and image where a loss is not finite
   */
  read(): Promise<HeadLossValues>;
  /** Gives all memory of the result back; the caller's tensors for gradients stay the caller's. */
  dispose(): void;
}

const OPTIONS = optionsOf({ imageSize: anything, strides: anything, recipe: anything });
const INPUT = optionsOf({ student: anything, truth: anything, gradients: optional(fields({})) });
const OUTPUTS = fields({ classLogits: anything, boxLogits: anything });

/**
 * The losses of a dense head with distribution boxes and their gradients: QFL, GIoU, DFL, localization distillation on the
 * main region and the VLR, class distillation, feature imitation (Zheng et al., CVPR 2022; GFocal, NeurIPS 2020).
 * The gradient is computed in the forward pass.
 */
export class HeadLoss implements HeadSetting {
  /** Where everything is computed. */
  readonly device: Device;
  /** Complete: every field has a value. */
  readonly recipe: Recipe;
  /** The locations of one image. */
  readonly grid: Grid;
  /** Number of classes, C. */
  readonly classes: number;
  /** Bins of an edge's distribution, K. */
  readonly bins: number;
  /** Images in a step, B. */
  readonly batch: number;

  /** @throws InputError for a wrong option or recipe, or a batch too large for the device; the message names it */
  constructor(device: Device, options: HeadLossOptions) {
    openedDevice('device', device);
    OPTIONS('options', options);
    const { classes, bins, strides, centreOffset, imageSize, batch, recipe } = options;
    assertCount('classes', classes, 1);
    if (classes > MAX_CLASSES) throw new InputError(`classes: ${classes}; at most ${MAX_CLASSES} are supported.`);
    assertCount('batch', batch, 1);
    assertCount('bins', bins, 2);
    if (bins > MAX_BINS) throw new InputError(`bins: ${bins}; at most ${MAX_BINS} are supported.`);
    this.device = device;
    const resolved = resolveRecipe(recipe);
    const regions = {
      ...resolved.regions,
      centreOffset: centreOffset === undefined ? resolved.regions.centreOffset : centreOffset,
    };
    this.recipe = resolveRecipe({ ...resolved, regions });
    this.grid = makeGrid({ imageSize, strides, ...this.recipe.regions });
    this.classes = classes;
    this.bins = bins;
    this.batch = batch;
    this.#assertBatch();
  }

  /** What any head of this size needs; box logits may be there or not. */
  #assertBatch(): void {
    const { device, batch, classes, grid } = this;
    const { bytes, limit } = device.largestBinding;
    const image = grid.locations * Math.max(4 * classes, LIST_BYTES);
    const most = Math.min(Math.floor(bytes / image), MAX_WORKGROUPS);
    if (batch <= most) return;
    const remedy = most > 0 ? `The largest batch that fits is ${most}` : 'Not even one image fits: make it smaller';
    throw new InputError(
      `batch: ${batch} images of ${grid.locations} locations and ${classes} classes take ${batch * image} bytes in one buffer; a kernel of this device sees ${bytes} (${limit}). ${remedy}.`,
    );
  }

  /**
   * Records the losses and gradients (within `device.record` into an encoder of the caller's); nothing is read back. Where a
   * net gives its `BoxLayer` in place of box logits, these are computed for the listed locations only (Cut LD), the gradients
   * are those of the layer's parts, and a location that learns nothing is neither read nor reported.
   * @throws InputError when an output does not fit the options, before anything is recorded
   */
  evaluate<Box extends BoxInput, Taught extends BoxInput = Maps>(
    input: HeadLossInput<Box, Taught>,
  ): HeadLossResult<Box> {
    INPUT('input', input);
    const { student, teacher, truth, gradients: given = {} } = input;
    this.#assertInput(student, teacher, truth, given);
    const { device, recipe, grid, bins } = this;
    const nets = { student, teacher: teacher ?? student };
    const { mask, own, ...result } = device.tidy(() => {
      const { own, ...targets } = headGradients(this, student, given);
      const { classLogits } = targets;
      const lists = listRegions(this, truth);
      const stream = streamClasses(this, student.classLogits, lists, classLogits);
      const { boxLogits, records } = this.#rowLosses(nets, truth, lists, targets);
      const imitated = imitationTerm({ recipe, grid, bins, ...nets, truth, counts: lists.counts });
      const imitation = imitated?.losses ?? null;
      const sums = addTerms(this, lists, stream, { records, imitation });
      const gradients = { classLogits, boxLogits, features: imitated?.gradient ?? null };
      return { ...sums, gradients, own, mask: imitated?.mask ?? null };
    });
    const { terms, total, faults } = result;
    const gradients = result.gradients as HeadLossResult<Box>['gradients'];
    return {
      terms,
      total,
      faults,
      gradients,
      regions: () => ({ ...this.#regions(truth), imitation: mask }),
      read: () => this.#read(terms, total, faults),
      dispose: () => {
        const { boxLogits, features } = result.gradients;
        const layer = boxLogits instanceof Tensor ? [] : Object.values(boxLogits);
        for (const tensor of [terms, faults, total, ...own, ...layer, features, mask]) tensor?.dispose();
      },
    };
  }

  /** The listed rows' losses, and the gradient with respect to the student's box branch. */
  #rowLosses(
    { student, teacher }: { student: HeadOutputs<BoxInput>; teacher: HeadOutputs<BoxInput> },
    truth: Truth,
    lists: RegionLists,
    { classLogits: classGradient, boxLogits: gradient }: Omit<HeadGradients, 'own'>,
  ): { boxLogits: BoxGradient<BoxInput>; records: Records } {
    const classes = { student: student.classLogits, teacher: teacher.classLogits };
    const boxes = { student: student.boxLogits, teacher: teacher.boxLogits };
    if (!isBoxLayer(boxes.student) && !isBoxLayer(boxes.teacher)) {
      const logits = { student: boxes.student, teacher: boxes.teacher };
      const records = classRows(this, truth, { ...classes, box: logits.student }, lists, classGradient);
      boxRows(this, truth, logits, lists, { gradient, records, factors: boxFactors(this, lists) });
      return { boxLogits: gradient, records };
    }
    const cut = prepareCut(this, truth, boxes, lists);
    const known = isBoxLayer(boxes.student) ? { expected: expectedEdges(cut) } : boxes.student;
    const records = classRows(this, truth, { ...classes, box: known }, lists, classGradient);
    return { records, boxLogits: cutRows(cut, { gradient, records, factors: boxFactors(this, lists) }) };
  }

  #regions(truth: Truth): Omit<HeadRegions, 'imitation'> {
    const { topk, ignoreIofThreshold, vlr: variant, gamma } = this.recipe.regions;
    const assignment = assignAtss(this.grid, truth, { topk, ignoreIofThreshold });
    return { ...assignment, vlr: valuableRegion(this.grid, truth, assignment, { variant, gamma }) };
  }

  async #read(terms: Tensor, total: Tensor, faults: Tensor): Promise<HeadLossValues> {
    const [termValues, totalValue, bad] = await Promise.all([terms.read(), total.read(), faults.read()]);
    const fault = this.faultOf(termValues, bad);
    if (fault) throw new DeviceError(fault);
    const levels = this.grid.levels.length;
    const values = {} as Record<TermName, number[]>;
    for (const [index, name] of TERM_NAMES.entries()) {
      values[name] = Array.from(termValues.subarray(index * levels, (index + 1) * levels));
    }
    return { total: totalValue[0], terms: values };
  }

  /**
   * Compiles the kernels that `evaluate` needs for such an input, all at once and beside the program: the first call then does
   * not wait for the compiler. The values of the input do not matter, its layouts do.
   * @param options `onProgress` is told how many are compiled, of how many
   * @throws InputError as `evaluate`; DeviceError where a kernel does not compile
   */
  async prepare(
    input: HeadLossInput<BoxInput, BoxInput>,
    options: { onProgress?: (done: number, of: number) => void } = {},
  ): Promise<void> {
    await this.device.prepare(() => this.evaluate(input), options);
  }

  /**
   * What is wrong with losses that were read: names term, level, image and location of the first that is not finite, and the
   * remedy; null where all are finite.
   * @param terms and faults of a result, on the host
   */
  faultOf(terms: ArrayLike<number>, faults: ArrayLike<number>): string | null {
    numbers('terms', terms);
    numbers('faults', faults);
    const levels = this.grid.levels.length;
    for (const [name, values] of Object.entries({ terms, faults })) {
      if (values.length === TERM_NAMES.length * levels) continue;
      throw new InputError(`${name}: ${values.length} values; expected ${TERM_NAMES.length} × ${levels} levels.`);
    }
    for (const [index, name] of TERM_NAMES.entries()) {
      for (let level = 0; level < levels; level++) {
        const at = index * levels + level;
        if (faults[at] === 0 && Number.isFinite(terms[at])) continue;
        return (
          `${name} is not finite at ${this.#describe(level, faults[at])}: ${FAULT_SOURCES[name]} hold NaN or infinity there. ` +
          'A lower learning rate, warm-up or gradient clipping keeps training finite.'
        );
      }
    }
    return null;
  }

  /** @param fault ~location, so that 0 is none and the greatest is the first */
  #describe(level: number, fault: number): string {
    const place = `level ${level} (stride ${this.grid.strides[level]})`;
    if (fault === 0) return place;
    const { height, width } = this.grid.levels[level];
    const before = this.grid.areas.slice(0, level).reduce((sum, area) => sum + area, 0);
    const index = (~fault >>> 0) - this.batch * before;
    const cell = index % (height * width);
    const image = Math.floor(index / (height * width));
    return `${place}, image ${image}, row ${Math.floor(cell / width)}, column ${cell % width}`;
  }

  #assertInput(
    student: HeadOutputs<BoxInput>,
    teacher: HeadOutputs<BoxInput> | undefined,
    truth: Truth,
    gradients: GradientTargets,
  ): void {
    const { device, recipe, classes, bins, batch, grid } = this;
    const { areas } = grid;
    assertTruth('truth', truth, device);
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
    const read: Tensor[] = [];
    for (const [name, outputs] of Object.entries({ student, ...(teacher && { teacher }) })) {
      OUTPUTS(name, outputs);
      const { classLogits, boxLogits, features } = outputs;
      const shared = { device, batch, areas };
      const meaning = 'classes; both nets need the same';
      assertMaps(`${name}.classLogits`, classLogits, { ...shared, channels: classes, meaning });
      assertBoxBranch(`${name}.boxLogits`, boxLogits, { ...shared, bins });
      read.push(tensorOf(classLogits), tensorOf(mapsOf(boxLogits)));
      if (recipe.imitation.weight > 0) {
        if (recipe.imitation.method.startsWith('gibox')) logitsOf(name, outputs);
        if (!features) throw new InputError(`${name}.features: recipe ${recipe.name} imitates features; give them.`);
        assertPyramid(`${name}.features`, features, device);
        const { channels } = student.features ?? features;
        const meaning = "the student's width; bring it to the teacher's with a 1×1 convolution";
        assertMaps(`${name}.features`, features, { ...shared, channels, meaning });
      }
    }
    for (const [name, tensor] of Object.entries(gradients)) {
      if (tensor !== undefined) assertTensor(`gradients.${name}`, tensor, { device });
    }
    assertTargets(student, gradients, read);
  }
}

function assertCount(name: string, value: number, minimum: number): void {
  if (!Number.isInteger(value) || value < minimum) {
    throw new InputError(`${name}: ${value}; expected an integer of at least ${minimum}.`);
  }
}
