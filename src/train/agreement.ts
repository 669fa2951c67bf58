import variationSource from '../../shaders/train/total_variation.wgsl';
import type { DetectorConfig } from '../detector/config.js';
import { decodeBoxes } from '../detector/decode.js';
import type { HeadLogits } from '../detector/head.js';
import type { Projection } from '../regions/binValues.js';
import { makeGrid } from '../regions/grid.js';
import {
  matchTeacher,
  type TeacherHead,
  type TeacherHeadOptions,
  type TeacherPlace,
  teacherConstants,
  teacherParams,
  teacherPlace,
} from '../regions/teacherHead.js';
import type { Pyramid } from '../tensor/pyramid.js';
import { InputError } from '../util/error.js';

/** Locations count where the teacher's best class score exceeds this: where it sees an object. */
const TEACHER_SCORE = 0.3;
const TEACHER_LOGIT = Math.log(TEACHER_SCORE / (1 - TEACHER_SCORE));

const VARIATION = { name: 'total_variation', source: variationSource };

/**
 * How far a student is from its teacher, over the locations where the teacher's best class score exceeds 0.3. Another head's outputs are
 * brought into the student's bins, as in the head loss; untaught levels have no locations.
 */
export interface LevelAgreement {
  /** Pixels a cell. */
  stride: number;
  /** Locations that count. */
  locations: number;
  /** Mean over locations and edges of |E[student's edge] − E[teacher's edge]|, in bins: strides for `ltrb` boxes. 0 without locations. */
  localizationError: number;
  /** Mean over locations of the L1 distance Σ_c |σ(student) − σ(teacher)| of the class scores. 0 without locations. */
  classificationError: number;
  /** Mean over locations and edges of ½ Σ_k |p_k − q_k|, of the two distributions at temperature 1. 0 without locations. */
  totalVariation: number;
}

/** All levels together (stride 0) and each of them. */
export interface Agreement {
  /** Over the locations of all levels; its stride is 0. */
  all: LevelAgreement;
  /** Finest first. */
  levels: LevelAgreement[];
}

/** The two heads of an `AgreementMeter`. */
export interface AgreementHeads {
  /** The student's; default 0. */
  centreOffset?: number;
  /** In what the teacher's head differs from the student's. */
  teacher?: TeacherHeadOptions;
}

/** Adds up the agreement of two detectors batch by batch. */
export class AgreementMeter {
  readonly #config: Omit<DetectorConfig, 'size'>;
  readonly #head: TeacherHead;
  /** Places of a level's locations in the teacher's map; null where they are the same. */
  readonly #places: (TeacherPlace[] | null)[];
  readonly #centreOffset: number;
  readonly #sums: Sums[];

  /** @param config the student's: bins, strides, size and classes @throws InputError where no level of the teacher's fits */
  constructor(config: Omit<DetectorConfig, 'size'>, { centreOffset = 0, teacher }: AgreementHeads = {}) {
    const { width, height, strides, bins } = config;
    this.#config = config;
    this.#centreOffset = centreOffset;
    const grid = makeGrid({ imageSize: { width, height }, strides, centreOffset });
    const head = matchTeacher({ grid, bins }, teacher);
    this.#head = head;
    this.#places = head.levels.map((taughtBy, level) =>
      taughtBy && (head.isMapped || head.isRebinned)
        ? Array.from({ length: grid.areas[level] }, (_, index) => teacherPlace(head, grid, level, index))
        : null,
    );
    this.#sums = strides.map(noSums);
  }

  /** Adds the first `images` of a batch; waits for the GPU. @throws InputError when the maps are not those of the two heads */
  async add(student: HeadLogits, teacher: HeadLogits, images: number): Promise<void> {
    const { batch, channels, levels } = student.classLogits.value;
    const other = teacher.classLogits.value;
    const expected = this.#head.grid.areas;
    if (
      other.channels !== channels ||
      other.levels.map(({ height, width }) => height * width).join() !== expected.join()
    ) {
      throw new InputError(
        `teacher: its class logits are ${other.channels} channels over levels of ${other.levels.map(({ height, width }) => height * width)} locations; expected ${channels} over ${expected}. Both nets need the same classes; say in what the teacher's head differs.`,
      );
    }
    const { strides, width, height } = { ...this.#head.grid, ...this.#head.grid.imageSize };
    const teacherConfig = { ...this.#config, bins: this.#head.bins, strides, width, height };
    const [own, teacherLogits, ownEdges, teacherEdges, variation] = await Promise.all([
      student.classLogits.value.read(),
      other.read(),
      readEdges(student, this.#config),
      readEdges(teacher, teacherConfig, this.#head.projection),
      this.#readVariation(student.boxLogits.value, teacher.boxLogits.value),
    ]);
    for (const [level, { offset, start, height, width }] of levels.entries()) {
      const taughtBy = this.#head.levels[level];
      if (!taughtBy) continue;
      const sums = this.#sums[level];
      const places = this.#places[level];
      const theirs = other.levels[taughtBy.level];
      const area = height * width;
      const teacherArea = theirs.height * theirs.width;
      for (let image = 0; image < images; image++) {
        for (let index = 0; index < area; index++) {
          const teacherIndex = places ? places[index].index : index;
          const first = offset + image * channels * area + index;
          const teacherFirst = theirs.offset + image * channels * teacherArea + teacherIndex;
          let sees = false;
          for (let c = 0; c < channels; c++) sees ||= teacherLogits[teacherFirst + c * teacherArea] > TEACHER_LOGIT;
          if (!sees) continue;
          sums.locations++;
          for (let c = 0; c < channels; c++) {
            const score = sigmoid(teacherLogits[teacherFirst + c * teacherArea]);
            sums.classification += Math.abs(sigmoid(own[first + c * area]) - score);
          }
          const location = batch * start + image * area + index;
          const teacherLocation = batch * theirs.start + image * teacherArea + teacherIndex;
          sums.variation += variation[location];
          for (let edge = 0; edge < 4; edge++) {
            const { slope, shift } = places ? places[index].lines[edge] : SAME;
            const distance = slope * teacherEdges[4 * teacherLocation + edge] + shift;
            sums.localization += Math.abs(ownEdges[4 * location + edge] - distance) / 4;
          }
        }
      }
    }
  }

  /** The agreement over all batches added so far. */
  result(): Agreement {
    const total = noSums();
    for (const sums of this.#sums) {
      total.locations += sums.locations;
      total.localization += sums.localization;
      total.classification += sums.classification;
      total.variation += sums.variation;
    }
    const mean = (stride: number, { locations, localization, classification, variation }: Sums) => ({
      stride,
      locations,
      localizationError: localization / Math.max(1, locations),
      classificationError: classification / Math.max(1, locations),
      totalVariation: variation / Math.max(1, locations),
    });
    return {
      all: mean(0, total),
      levels: this.#sums.map((sums, level) => mean(this.#config.strides[level], sums)),
    };
  }

  /** [batch · locations] on the host: the total variation between both heads, a mean over the edges. */
  async #readVariation(student: Pyramid, teacher: Pyramid) {
    const { device, batch, levels } = student;
    const { bins } = this.#config;
    const locations = batch * student.locations;
    const variation = device.empty([locations]);
    device.run({
      kernel: VARIATION,
      constants: { BINS: bins, ...teacherConstants(this.#head, null) },
      bindings: { student: student.range, teacher_box: teacher.range, variation: variation.range },
      params: {
        batch,
        level_count: levels.length,
        locations,
        bins,
        centre_offset: this.#centreOffset,
        levels: student.levelTable,
        ...teacherParams(this.#head, null, teacher),
      },
      invocations: locations,
    });
    const values = await variation.read();
    variation.dispose();
    return values;
  }
}

const SAME = { slope: 1, shift: 0 };

/** [batch · locations, 4] expected edges, in bins. */
async function readEdges(
  { boxLogits }: HeadLogits,
  config: Omit<DetectorConfig, 'size'>,
  projection: Projection | null = null,
) {
  const { expected, boxes } = decodeBoxes(boxLogits.value, config, undefined, projection);
  boxes.dispose();
  const values = await expected.read();
  expected.dispose();
  return values;
}

interface Sums {
  locations: number;
  localization: number;
  classification: number;
  variation: number;
}

function noSums(): Sums {
  return { locations: 0, localization: 0, classification: 0, variation: 0 };
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
