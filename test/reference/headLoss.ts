import type { TermName } from '../../src/losses/headTerms.js';
import type { Recipe } from '../../src/losses/recipe.js';
import { integral, integralGradient, sigmoid } from './bins.js';
import { type Box, iou, scaled } from './boxes.js';
import { type BoxParameters, decodeBox, encodeBox } from './boxParameters.js';
import { distributionFocalLoss } from './distributionFocalLoss.js';
import { ciouLoss, giouLoss } from './giou.js';
import { headRegions, type LevelRegions } from './headRegions.js';
import { imitationLoss } from './imitation.js';
import { qualityFocalLoss } from './qualityFocal.js';
import { addRow, type RowPlace, readRow } from './rows.js';
import { binaryTemperatureKL, temperatureKL } from './temperatureKL.js';
import type { HeadOutputs, HeadSizes, ImageTruth } from './types.js';

export interface HeadLossInput {
  student: HeadOutputs;
  /** Without it every distillation term is 0. Feature imitation needs the features of both. */
  teacher?: HeadOutputs | undefined;
  /** One entry an image. */
  truth: readonly ImageTruth[];
  sizes: HeadSizes;
  /** Whole, of `resolveRecipe`. */
  recipe: Recipe;
}

export interface HeadLossResult {
  /** Weighted terms, one value a level. */
  terms: Record<TermName, number[]>;
  total: number;
  /** Of `total`, laid out as the student's outputs. */
  gradients: { classLogits: Float64Array[]; boxLogits: Float64Array[]; features: Float64Array[] };
  regions: LevelRegions[];
  normalisers: {
    /** max(1, sum over images of max(positives, 1)): the reference divides the classification loss by it. */
    samples: number;
    /** sum over positives of max_c sigmoid(class logit), + 1e-6: the reference divides box loss and DFL by it. */
    weightSum: number;
  };
}

/** Keeps sums of weights above zero where a batch has no positive (reference's LDHead). */
const WEIGHT_SUM_EPSILON = 1e-6;

/**
 * The whole head loss of the reference's LDHead in float64 with its gradients (spec 2, 4), terms per level over the batch.
 * A level without positives has loss_bbox = loss_dfl = loss_ld = loss_kd = loss_im = 0; loss_cls, loss_ld_vlr and
 * loss_kd_neg do not depend on positives. The weights of positives, the IoU target and the teacher carry no gradient.
 */
export function headLossOracle({ student, teacher, truth, sizes, recipe }: HeadLossInput): HeadLossResult {
  const { batch, classes, bins, strides } = sizes;
  const { classification, box, dfl, ld, kd, imitation } = recipe;
  const parameters: BoxParameters = { parameters: box.parameters, bins, anchor: recipe.regions.octaveScale };
  const regions = headRegions(sizes, recipe, truth, student, teacher);

  const classPlace = (l: number, b: number, cell: number): RowPlace => {
    return { image: b, channels: classes, first: 0, length: classes, size: regions[l].level.anchors.length, cell };
  };
  const edgePlace = (l: number, b: number, cell: number, edge: number): RowPlace => {
    const size = regions[l].level.anchors.length;
    return { image: b, channels: 4 * bins, first: edge * bins, length: bins, size, cell };
  };
  /** max over classes of the student's probability, held fixed. */
  const weightOf = (l: number, b: number, cell: number) =>
    Math.max(...readRow(student.classLogits[l], classPlace(l, b, cell)).map(sigmoid));

  let weightSum = WEIGHT_SUM_EPSILON;
  const positivesOfImage = new Array<number>(batch).fill(0);
  eachLocation(regions, batch, (l, b, cell, index) => {
    if (regions[l].state[index] !== 1) return;
    positivesOfImage[b]++;
    weightSum += weightOf(l, b, cell);
  });
  const samples = Math.max(
    1,
    positivesOfImage.reduce((sum, count) => sum + Math.max(count, 1), 0),
  );

  const positivesOfLevel = regions.map(({ state }) => state.filter((s) => s === 1).length);
  const valuablesOfLevel = regions.map(({ vlr }) => vlr.filter((v) => v > 0).length);
  const positives = sum(positivesOfLevel);
  const vlrSum = sum(regions.map(({ vlr }) => sum(vlr))) + WEIGHT_SUM_EPSILON;
  const atLeastOne = { positives: Math.max(positives, 1), 'clamped-weights': Math.max(weightSum, 1) };
  const scores = Number.NaN; // target scores: none of a recipe that is supported has any
  const classDivisor = { images: samples, ...atLeastOne, scores, none: 1 }[classification.normaliser];
  const boxDivisor = { weights: weightSum, ...atLeastOne, scores, none: 1 }[box.normaliser];
  const ldDivisor = { reference: 4, weights: 4 * weightSum, scores, none: 1 }[ld.normaliser];
  const ldVlrDivisor = { reference: 16, weights: 4 * vlrSum, scores, none: 1 }[ld.normaliser];
  const kdDivisor = (counts: number[], l: number) =>
    ({ level: counts[l], region: sum(counts), none: 1 })[kd.normaliser];

  const zeros = () => strides.map(() => 0);
  const terms: Record<TermName, number[]> = {
    loss_cls: zeros(),
    loss_bbox: zeros(),
    loss_dfl: zeros(),
    loss_ld: zeros(),
    loss_ld_vlr: zeros(),
    loss_kd: zeros(),
    loss_kd_neg: zeros(),
    loss_im: zeros(),
  };
  const like = (arrays: readonly ArrayLike<number>[] = []) => arrays.map((array) => new Float64Array(array.length));
  const gradients = {
    classLogits: like(student.classLogits),
    boxLogits: like(student.boxLogits),
    features: like(student.features),
  };
  const classKL = kd.form === 'softmax' ? temperatureKL : binaryTemperatureKL;
  const boxLoss = box.form === 'giou' ? giouLoss : ciouLoss;

  eachLocation(regions, batch, (l, b, cell, index) => {
    const { level, state, label, truthIndex, vlr } = regions[l];
    const place = classPlace(l, b, cell);
    const edges = [0, 1, 2, 3].map((edge) => edgePlace(l, b, cell, edge));
    const logits = readRow(student.classLogits[l], place);
    // The label weight: an ignored location learns no class, neither from the ground truth nor from the teacher.
    const labelWeight = state[index] === -1 ? 0 : 1;
    let quality = 0;

    if (state[index] === 1) {
      // Everything of the box in units of stride.
      const target = scaled(truth[b].boxes[truthIndex[index]], 1 / level.stride);
      const centre = [level.centres[cell][0] / level.stride, level.centres[cell][1] / level.stride] as const;
      const weight = weightOf(l, b, cell);
      const rows = edges.map((edge) => readRow(student.boxLogits[l], edge));
      const decoded = decodeBox(rows.map(integral), centre, parameters);
      const predicted = decoded.map(({ value }) => value) as unknown as Box;
      quality = iou(predicted, target);

      const overlap = boxLoss(predicted, target);
      let boxScale = (box.weight * weight) / boxDivisor;
      if (teacher && box.bounded > 0) {
        const taught = edges.map((edge) => integral(readRow(teacher.boxLogits[l], edge)));
        const bound = decodeBox(taught, centre, parameters).map(({ value }) => value) as unknown as Box;
        if (overlap.loss > boxLoss(bound, target).loss) boxScale *= 1 + box.bounded;
      }
      terms.loss_bbox[l] += boxScale * overlap.loss;

      const targets = encodeBox(target, centre, parameters);
      const dflScale = (dfl.weight * weight) / 4 / boxDivisor;
      rows.forEach((row, edge) => {
        const slope = sum(decoded.map(({ partial }, side) => overlap.gradient[side] * partial[edge]));
        addRow(gradients.boxLogits[l], edges[edge], boxScale * slope, integralGradient(row));

        const focal = distributionFocalLoss(row, targets[edge], dfl.margin);
        terms.loss_dfl[l] += dflScale * focal.loss;
        addRow(gradients.boxLogits[l], edges[edge], dflScale, focal.gradient);
      });

      if (teacher) {
        localization('loss_ld', (ld.main * weight) / ldDivisor, teacher);
        classDistillation('loss_kd', kd.main / kdDivisor(positivesOfLevel, l), teacher);
      }
    }

    if (teacher && vlr[index] > 0) {
      localization('loss_ld_vlr', (ld.vlr * vlr[index]) / ldVlrDivisor, teacher);
      classDistillation('loss_kd_neg', (kd.vlr * labelWeight) / kdDivisor(valuablesOfLevel, l), teacher);
    }

    const classScale = (classification.weight * labelWeight) / classDivisor;
    const row = logits.map((logit, c) => {
      const loss = qualityFocalLoss(logit, c === label[index] ? quality : 0, classification.beta);
      terms.loss_cls[l] += classScale * loss.loss;
      return loss.gradient;
    });
    addRow(gradients.classLogits[l], place, classScale, row);

    function localization(term: TermName, scale: number, teacher: HeadOutputs): void {
      for (const edge of edges) {
        const studentRow = readRow(student.boxLogits[l], edge);
        const { loss, gradient } = temperatureKL(studentRow, readRow(teacher.boxLogits[l], edge), ld.temperature);
        terms[term][l] += scale * loss;
        addRow(gradients.boxLogits[l], edge, scale, gradient);
      }
    }

    function classDistillation(term: TermName, scale: number, teacher: HeadOutputs): void {
      const { loss, gradient } = classKL(logits, readRow(teacher.classLogits[l], place), kd.temperature);
      terms[term][l] += scale * loss;
      addRow(gradients.classLogits[l], place, scale, gradient);
    }
  });

  strides.forEach((_, l) => {
    const [studentFeatures, teacherFeatures] = [student.features?.[l], teacher?.features?.[l]];
    if (!studentFeatures || !teacherFeatures || imitation.method === 'none') return;
    if (imitation.needsPositives && positivesOfLevel[l] === 0) return;
    const inside = regions[l].imitation;
    imitate(inside, imitation.weight);
    // DeFeat (Guo et al., CVPR 2021): foreground and background each by its own mean.
    if (imitation.method === 'decouple') {
      const outside = inside.map((is) => 1 - is);
      imitate(outside, imitation.background * imitation.weight);
    }

    function imitate(selected: Uint8Array, scale: number): void {
      if (!studentFeatures || !teacherFeatures) return;
      const { loss, gradient } = imitationLoss(studentFeatures, teacherFeatures, selected, batch);
      terms.loss_im[l] += scale * loss;
      gradient.forEach((g, i) => {
        gradients.features[l][i] += scale * g;
      });
    }
  });

  const total = sum(Object.values(terms).flat());
  return { terms, total, gradients, regions, normalisers: { samples, weightSum } };
}

/** Calls `visit` for every location of every image and level; `index` = image * H*W + cell. */
function eachLocation(
  regions: readonly LevelRegions[],
  batch: number,
  visit: (level: number, image: number, cell: number, index: number) => void,
): void {
  regions.forEach(({ level }, l) => {
    const size = level.anchors.length;
    for (let index = 0; index < batch * size; index++) visit(l, Math.floor(index / size), index % size, index);
  });
}

function sum(values: ArrayLike<number>): number {
  return Array.from(values).reduce((total, value) => total + value, 0);
}
