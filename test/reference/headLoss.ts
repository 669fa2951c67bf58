import { integral, integralGradient, sigmoid } from './bins.js';
import { type Box, iou, scaled } from './boxes.js';
import { distributionFocalLoss } from './distributionFocalLoss.js';
import { ciouLoss, giouLoss } from './giou.js';
import type { HeadLossSettings, Term } from './headLossSettings.js';
import { headRegions, type LevelRegions } from './headRegions.js';
import { imitationLoss } from './imitation.js';
import { qualityFocalLoss } from './qualityFocal.js';
import { addRow, type RowPlace, readRow } from './rows.js';
import { binaryTemperatureKL, temperatureKL } from './temperatureKL.js';
import type { HeadOutputs, ImageTruth } from './types.js';

export interface HeadLossInput {
  student: HeadOutputs;
  /** Without it every distillation term is 0. Feature imitation needs the features of both. */
  teacher?: HeadOutputs | undefined;
  /** One entry an image. */
  truth: readonly ImageTruth[];
  settings: HeadLossSettings;
}

export interface HeadLossResult {
  /** Weighted terms, one value a level. */
  terms: Record<Term, number[]>;
  total: number;
  /** Of `total`, laid out as the student's outputs. */
  gradients: { classLogits: Float64Array[]; boxLogits: Float64Array[]; features: Float64Array[] };
  regions: LevelRegions[];
  normalisers: {
    /** max(1, sum over images of max(positives, 1)): divides the classification loss. */
    samples: number;
    /** sum over positives of max_c sigmoid(class logit), + 1e-6: divides box loss and DFL. */
    weightSum: number;
  };
}

/** Keeps the sum of the positives' weights above zero where a batch has no positive (reference's LDHead). */
const WEIGHT_SUM_EPSILON = 1e-6;

/**
 * The whole head loss of the reference's LDHead in float64 with its gradients (spec 2, 4), terms per level over the batch.
 * A level without positives has loss_bbox = loss_dfl = loss_ld = loss_kd = loss_im = 0; loss_cls, loss_ld_vlr and
 * loss_kd_neg do not depend on positives. The weights of positives, the IoU target and the teacher carry no gradient.
 */
export function headLossOracle({ student, teacher, truth, settings }: HeadLossInput): HeadLossResult {
  const { batch, classes, bins, strides, weights } = settings;
  const regions = headRegions(settings, truth, student, teacher);

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

  const zeros = () => strides.map(() => 0);
  const terms: Record<Term, number[]> = {
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
  const classKL = settings.kdForm === 'softmax' ? temperatureKL : binaryTemperatureKL;
  const boxLoss = settings.boxLoss === 'giou' ? giouLoss : ciouLoss;
  const positivesOfLevel = regions.map(({ state }) => state.filter((s) => s === 1).length);
  const valuablesOfLevel = regions.map(({ vlr }) => vlr.filter((v) => v > 0).length);

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
      const x = level.centres[cell][0] / level.stride;
      const y = level.centres[cell][1] / level.stride;
      const weight = weightOf(l, b, cell);
      const rows = edges.map((edge) => readRow(student.boxLogits[l], edge));
      const [left, top, right, bottom] = rows.map(integral);
      const predicted: Box = [x - left, y - top, x + right, y + bottom];
      quality = iou(predicted, target);

      const box = boxLoss(predicted, target);
      let boxScale = (weights.loss_bbox * weight) / weightSum;
      if (teacher && settings.bounded > 0) {
        const taught = edges.map((edge) => integral(readRow(teacher.boxLogits[l], edge)));
        const bound = boxLoss([x - taught[0], y - taught[1], x + taught[2], y + taught[3]], target).loss;
        if (box.loss > bound) boxScale *= 1 + settings.bounded;
      }
      terms.loss_bbox[l] += boxScale * box.loss;

      const distances = [x - target[0], y - target[1], target[2] - x, target[3] - y];
      const dflScale = (weights.loss_dfl * weight) / 4 / weightSum;
      rows.forEach((row, edge) => {
        // x1 = x - left, y1 = y - top: the first two edges move against their distance.
        const sign = edge < 2 ? -1 : 1;
        addRow(gradients.boxLogits[l], edges[edge], boxScale * sign * box.gradient[edge], integralGradient(row));

        const dfl = distributionFocalLoss(row, distances[edge]);
        terms.loss_dfl[l] += dflScale * dfl.loss;
        addRow(gradients.boxLogits[l], edges[edge], dflScale, dfl.gradient);
      });

      if (teacher) {
        const ldScale = (weights.loss_ld * weight) / settings.ldDivisor;
        localization('loss_ld', ldScale, settings.temperatureLd, teacher);
        classification('loss_kd', weights.loss_kd / positivesOfLevel[l], teacher);
      }
    }

    if (teacher && vlr[index] > 0) {
      const ldScale = (weights.loss_ld_vlr * vlr[index]) / settings.ldVlrDivisor;
      localization('loss_ld_vlr', ldScale, settings.temperatureLdVlr, teacher);
      classification('loss_kd_neg', (weights.loss_kd_neg * labelWeight) / valuablesOfLevel[l], teacher);
    }

    const classScale = (weights.loss_cls * labelWeight) / samples;
    const row = logits.map((logit, c) => {
      const loss = qualityFocalLoss(logit, c === label[index] ? quality : 0, settings.beta);
      terms.loss_cls[l] += classScale * loss.loss;
      return loss.gradient;
    });
    addRow(gradients.classLogits[l], place, classScale, row);

    function localization(term: Term, scale: number, temperature: number, teacher: HeadOutputs): void {
      for (const edge of edges) {
        const studentRow = readRow(student.boxLogits[l], edge);
        const { loss, gradient } = temperatureKL(studentRow, readRow(teacher.boxLogits[l], edge), temperature);
        terms[term][l] += scale * loss;
        addRow(gradients.boxLogits[l], edge, scale, gradient);
      }
    }

    function classification(term: Term, scale: number, teacher: HeadOutputs): void {
      const { loss, gradient } = classKL(logits, readRow(teacher.classLogits[l], place), settings.temperatureKd);
      terms[term][l] += scale * loss;
      addRow(gradients.classLogits[l], place, scale, gradient);
    }
  });

  strides.forEach((_, l) => {
    const [studentFeatures, teacherFeatures] = [student.features?.[l], teacher?.features?.[l]];
    if (!studentFeatures || !teacherFeatures || positivesOfLevel[l] === 0) return;
    const inside = regions[l].imitation;
    imitate(inside, weights.loss_im);
    // DeFeat: foreground and background each by its own mean, the background twice. (spec 4.8)
    if (settings.imitation.method === 'decouple') {
      const outside = inside.map((is) => 1 - is);
      imitate(outside, 2 * weights.loss_im);
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

  const total = Object.values(terms)
    .flat()
    .reduce((sum, term) => sum + term, 0);
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
