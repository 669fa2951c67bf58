import variationSource from '../../shaders/train/total_variation.wgsl';
import type { DetectorConfig } from '../detector/config.js';
import { decodeBoxes } from '../detector/decode.js';
import type { HeadLogits } from '../detector/head.js';
import type { Pyramid } from '../tensor/pyramid.js';
import { InputError } from '../util/error.js';

/** Locations count where the teacher's best class score exceeds this: where it sees an object. */
const TEACHER_SCORE = 0.3;
const TEACHER_LOGIT = Math.log(TEACHER_SCORE / (1 - TEACHER_SCORE));

const VARIATION = { name: 'total_variation', source: variationSource };

/** How far a student is from its teacher, over the locations where the teacher's best class score exceeds 0.3. */
export interface LevelAgreement {
  /** Pixels a cell. */
  stride: number;
  /** Locations that count. */
  locations: number;
  /**
   * Mean over locations and edges of |E[student's edge] − E[teacher's edge]|, the expectations of the two distributions,
   * in bins: strides of the level for `ltrb` boxes. 0 without locations.
   */
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

/** Adds up the agreement of two detectors batch by batch. */
export class AgreementMeter {
  readonly #config: Omit<DetectorConfig, 'size'>;
  readonly #sums: Sums[];

  /** @param config of both detectors: bins, strides and classes */
  constructor(config: Omit<DetectorConfig, 'size'>) {
    this.#config = config;
    this.#sums = config.strides.map(noSums);
  }

  /**
   * Adds a batch; waits for the GPU.
   * @param images the first so many of the batch count
   * @throws InputError when the two have not the same maps
   */
  async add(student: HeadLogits, teacher: HeadLogits, images: number): Promise<void> {
    const { batch, channels, levels } = student.classLogits.value;
    const other = teacher.classLogits.value;
    if (other.size !== student.classLogits.value.size || other.channels !== channels) {
      throw new InputError(
        `teacher: its class logits are ${other.channels} channels in ${other.size} elements; the student's ${channels} in ${student.classLogits.value.size}. Both need the same classes, strides and image size.`,
      );
    }
    const [own, teacherLogits, ownEdges, teacherEdges, variation] = await Promise.all([
      student.classLogits.value.read(),
      other.read(),
      this.#edges(student),
      this.#edges(teacher),
      readVariation(student.boxLogits.value, teacher.boxLogits.value),
    ]);
    for (const [level, { offset, start, height, width }] of levels.entries()) {
      const sums = this.#sums[level];
      const area = height * width;
      for (let image = 0; image < images; image++) {
        for (let index = 0; index < area; index++) {
          const first = offset + image * channels * area + index;
          let sees = false;
          for (let c = 0; c < channels; c++) sees ||= teacherLogits[first + c * area] > TEACHER_LOGIT;
          if (!sees) continue;
          sums.locations++;
          for (let c = 0; c < channels; c++) {
            const at = first + c * area;
            sums.classification += Math.abs(sigmoid(own[at]) - sigmoid(teacherLogits[at]));
          }
          const location = batch * start + image * area + index;
          sums.variation += variation[location];
          for (let edge = 4 * location; edge < 4 * location + 4; edge++) {
            sums.localization += Math.abs(ownEdges[edge] - teacherEdges[edge]) / 4;
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

  /** [batch · locations, 4] expected edges, on the host. */
  async #edges({ boxLogits }: HeadLogits) {
    const { expected, boxes } = decodeBoxes(boxLogits.value, this.#config);
    boxes.dispose();
    const values = await expected.read();
    expected.dispose();
    return values;
  }
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

/** [batch · locations], the mean over the edges of the total variation between two heads, on the host. */
async function readVariation(student: Pyramid, teacher: Pyramid) {
  const { device, batch, channels, levels } = student;
  const locations = batch * student.locations;
  const variation = device.empty([locations]);
  device.run({
    kernel: VARIATION,
    constants: { BINS: channels / 4 },
    bindings: { student: student.range, teacher: teacher.range, variation: variation.range },
    params: { batch, level_count: levels.length, locations, levels: student.levelTable },
    invocations: locations,
  });
  const values = await variation.read();
  variation.dispose();
  return values;
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
