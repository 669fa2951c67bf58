import { constants } from '../../shaders/lib/bins.wgsl';
import { MAX_WORKGROUPS } from '../gpu/launch.js';
import { assignmentMaps } from '../regions/assignment.js';
import { headProjection, type Projection } from '../regions/binValues.js';
import { type Grid, makeGrid } from '../regions/grid.js';
import { matchTeacher, type TeacherHead, type TeacherHeadOptions } from '../regions/teacherHead.js';
import type { Truth } from '../regions/truth.js';
import type { Device } from '../tensor/device.js';
import { openedDevice } from '../tensor/deviceArgument.js';
import { alone, type Parts } from '../tensor/parts.js';
import type { Tensor } from '../tensor/tensor.js';
import { anything, options as optionsOf } from '../util/argument.js';
import { DeviceError, InputError } from '../util/error.js';
import { assign } from './headAssign.js';
import { boxSamples } from './headBoxes.js';
import { classSamples } from './headClass.js';
import { assertCross, type CrossParts, crossRecipes, evaluateCrossed } from './headCross.js';
import { faultOf } from './headFaults.js';
import { headGradients } from './headGradients.js';
import { imitationTerm } from './headImitation.js';
import {
  assertInput,
  assertNoDistributions,
  assertProjections,
  assertTeacherFits,
  type HeadLossInput,
  inputOf,
} from './headInput.js';
import { distilAllBoxes, overlapWeights } from './headIou.js';
import { isTaught, streamLessons } from './headLesson.js';
import type { HeadLossResult, HeadLossValues } from './headResult.js';
import type { HeadSetting, HeadShape } from './headSetting.js';
import { assertShareable, shareCounts } from './headShares.js';
import { streamClasses } from './headStream.js';
import { addTerms, termFactors } from './headSums.js';
import type { HeadTerm } from './headTerm.js';
import { TERM_NAMES, TERMS, type TermName } from './headTerms.js';
import { isCross, type PartialRecipe, type Recipe, resolveRecipe, withoutDistillation } from './recipe.js';

const { MAX_BINS } = constants;
/** A sample keeps its class in 16 bits. */
const MAX_CLASSES = 65_535;
const SAMPLE_BYTES = 16;

/** The head and how it is to learn. */
export interface HeadLossOptions {
  /** Number of classes, C, up to 65,535. */
  classes: number;
  /** Bins of an edge's distribution, reg_max + 1; 1: no distribution, the logit is the distance in strides (YOLO26). */
  bins: number;
  /**
   * What the student's bins stand for, in strides: one increasing value a bin, such as `uniformProjection` and `fineGrainedProjection`
   * make, for `box.parameters` ltrb. Edges are expectations of these values; a DFL target goes to the two about it, between the first and
   * the last value less `dfl.margin` of the last step. Default 0 … bins − 1. `decode` takes the same table.
   */
  projection?: Projection;
  /** Pixels between neighbouring locations, one entry a level, in the order in which the outputs have their levels. */
  strides: readonly number[];
  /**
   * The point of its cell that a location regresses from: 0 the top-left corner (GFocal, NanoDet), 0.5 the middle (YOLOv8,
   * FCOS). Default: the recipe's `regions.centreOffset`, 0 in those shipped.
   */
  centreOffset?: number;
  /** Of the network's input, pixels. */
  imageSize: { width: number; height: number };
  /** Images in a step; of one process, where several share it. */
  batch: number;
  /** Processes that share each step, with as many images each: `evaluateParts`. Default 1. */
  shares?: number;
  /** Name of a shipped recipe, or the fields that differ from `gfocal`. */
  recipe: string | PartialRecipe;
  /**
   * In what the teacher's head differs from the student's. Its distributions (softmax at the temperature) are brought into the student's
   * bins where they are read: each bin is shared out to the two of the student's about the same distance, which keeps the mean. A location
   * learns from the teacher's cell that contains it; levels without a close one of the teacher's are not taught. Default: the same head.
   */
  teacher?: TeacherHeadOptions;
}

const OPTIONS = optionsOf({ imageSize: anything, strides: anything, recipe: anything, projection: anything });

/**
 * The losses of a dense head with distribution boxes and their gradients, as its recipe says: class loss, box loss, DFL, localization
 * distillation on the main region and the VLR, class distillation, feature imitation (Zheng et al., CVPR 2022; GFocal, NeurIPS 2020; heads of
 * YOLOv8, NanoDet-Plus, PP-YOLOE, PicoDet), distillation at all locations (BCKD, ICCV 2023; CrossKD, CVPR 2024). The gradient is computed in
 * the forward pass.
 */
export class HeadLoss implements HeadShape {
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
  /** What the bins stand for, in strides; null: bin k for k. */
  readonly projection: Projection | null;
  /** Images in a step, B. */
  readonly batch: number;
  /** Processes that share a step. */
  readonly shares: number;
  /** The teacher's head, and what teaches each level of the student's. */
  readonly teacher: TeacherHead;
  /** Of a recipe with `cross`. */
  readonly #cross: CrossParts | null;

  /** @throws InputError for a wrong option or recipe, or a batch too large for the device; the message names it */
  constructor(device: Device, options: HeadLossOptions) {
    openedDevice('device', device);
    OPTIONS('options', options);
    const { classes, bins, projection, strides, centreOffset, imageSize, batch, shares = 1, recipe, teacher } = options;
    assertCount('classes', classes, 1);
    if (classes > MAX_CLASSES) throw new InputError(`classes: ${classes}; at most ${MAX_CLASSES} are supported.`);
    assertCount('batch', batch, 1);
    assertCount('shares', shares, 1);
    assertCount('bins', bins, 1);
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
    this.projection = headProjection('projection', projection, bins);
    this.batch = batch;
    this.shares = shares;
    this.teacher = matchTeacher(this, teacher);
    assertProjections(this);
    assertTeacherFits(this);
    assertShareable(this.recipe, shares);
    this.#cross = isCross(this.recipe) ? this.#crossParts(options) : null;
    if (bins === 1 && !this.#cross) assertNoDistributions(this.recipe);
    this.#assertBatch();
  }

  /** Each part checks its own recipe. */
  #crossParts(options: HeadLossOptions): CrossParts {
    const { bins, grid, projection } = this.teacher;
    const { own, crossed } = crossRecipes(this.recipe);
    const { centreOffset } = grid;
    const { projection: _, ...others } = options;
    return {
      own: new HeadLoss(this.device, { ...options, recipe: own }),
      crossed: new HeadLoss(this.device, {
        ...others,
        ...(projection && { projection }),
        recipe: crossed,
        bins,
        centreOffset,
        teacher: {},
      }),
    };
  }

  /** What any head of this size needs. */
  #assertBatch(): void {
    const { device, batch, classes, grid } = this;
    const { bytes, limit } = device.largestBinding;
    const image = grid.locations * Math.max(4 * classes, SAMPLE_BYTES);
    const most = Math.min(Math.floor(bytes / image), MAX_WORKGROUPS);
    if (batch <= most) return;
    const remedy = most > 0 ? `The largest batch that fits is ${most}` : 'Not even one image fits: make it smaller';
    throw new InputError(
      `batch: ${batch} images of ${grid.locations} locations and ${classes} classes take ${batch * image} bytes in one buffer; a kernel of this device sees ${bytes} (${limit}). ${remedy}.`,
    );
  }

  /**
   * Records the losses and gradients (within `device.record` into an encoder of the caller's); nothing is read back.
   * @throws InputError when an output does not fit the options, before anything is recorded
   */
  evaluate(input: HeadLossInput): HeadLossResult {
    if (this.shares > 1) {
      throw new InputError(
        `shares: ${this.shares} processes share a step; run evaluateParts, with an exchange where it stops.`,
      );
    }
    return alone(this.evaluateParts(input));
  }

  /**
   * `evaluate` for one of the processes that share a step (`shares`): terms are divided by sums over all their images, so that losses and
   * gradients add up to those of one process. It stops where sums are to be exchanged.
   * @throws InputError as `evaluate`
   */
  *evaluateParts(input: HeadLossInput): Parts<HeadLossResult> {
    inputOf('input', input);
    assertCross(this.recipe, input);
    if (this.#cross) return evaluateCrossed(this, this.#cross, input);
    assertInput(this, input);
    const { student, truth, distillation = 1, gradients: given = {} } = input;
    const { device, grid, classes, bins, projection, batch, shares } = this;
    const whole = this.recipe;
    const recipe = distillation > 0 ? whole : withoutDistillation(whole);
    const teacher = distillation > 0 ? input.teacher : undefined;
    const nets = { student, teacher: teacher ?? student };
    const head = teacher ? this.teacher : matchTeacher(this);
    const setting: HeadSetting = {
      device,
      recipe,
      grid,
      classes,
      bins,
      projection,
      batch,
      distillation,
      shares,
      teacher: head,
    };
    const made = yield* device.tidyParts(function* () {
      // `assertInput` has made sure of one of the two.
      const assigned = input.assignment ?? assign({ ...setting, recipe: whole }, truth as Truth, student);
      const assignment = shares > 1 ? yield* shareCounts(assigned) : assigned;
      const { own, ...targets } = headGradients(setting, student, given);
      const classLogits = { student: student.classLogits, teacher: nets.teacher.classLogits };
      const boxLogits = { student: student.boxLogits, teacher: nets.teacher.boxLogits };
      const stream = isTaught(setting)
        ? streamLessons(setting, classLogits, assignment, targets.classLogits)
        : streamClasses(setting, student.classLogits, assignment, targets.classLogits);
      const records = classSamples(
        setting,
        { ...classLogits, boxLogits: student.boxLogits },
        assignment,
        targets.classLogits,
      );
      const factors = yield* termFactors(setting, assignment, stream, records);
      overlapWeights(setting, assignment, stream, records);
      const everywhere = distilAllBoxes(setting, boxLogits, assignment, stream, {
        gradient: targets.boxLogits,
        factors,
      });
      const adds = everywhere !== null;
      const pass = { setting, classLogits, boxLogits, assignment, gradients: targets, records, factors, adds };
      boxSamples(pass);
      for (const term of TERMS as readonly HeadTerm[]) term.pass?.(pass);
      const imitated = yield* imitationTerm(setting, { ...nets, truth, assignment });
      const sums = addTerms(setting, assignment, stream, {
        records,
        everywhere,
        imitation: imitated?.losses ?? null,
      });
      const gradients = { ...targets, features: imitated?.gradient ?? null, cross: null };
      return { ...sums, gradients, own, mask: imitated?.mask ?? null, assignment: assigned };
    });
    const { terms, total, faults, gradients, own, mask, assignment } = made;
    return {
      terms,
      total,
      faults,
      gradients,
      assignment,
      regions: () => ({ ...assignmentMaps(assignment), imitation: mask }),
      read: () => this.#read(terms, total, faults),
      dispose: () => {
        if (!input.assignment) assignment.dispose();
        for (const tensor of [terms, faults, total, ...own, gradients.features, mask]) tensor?.dispose();
      },
    };
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
   * Compiles all kernels that `evaluate` needs for such an input, so that its first call does not wait for the compiler. Of the input only
   * the layouts matter.
   * @param options `onProgress` is told how many are compiled, of how many
   * @throws InputError as `evaluate`; DeviceError where a kernel does not compile
   */
  async prepare(
    input: HeadLossInput,
    options: { onProgress?: (done: number, of: number) => void } = {},
  ): Promise<void> {
    await this.device.prepare(() => this.evaluate(input), options);
  }

  /**
   * What is wrong with losses that were read: term, level, image and location of the first that is not finite, and the remedy; null where
   * all are finite.
   * @param terms and faults of a result, on the host
   */
  faultOf(terms: ArrayLike<number>, faults: ArrayLike<number>): string | null {
    return faultOf(this, terms, faults);
  }
}

function assertCount(name: string, value: number, minimum: number): void {
  if (!Number.isInteger(value) || value < minimum) {
    throw new InputError(`${name}: ${value}; expected an integer of at least ${minimum}.`);
  }
}
