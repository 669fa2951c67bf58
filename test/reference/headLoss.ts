import { TERM_NAMES, type TermName } from '../../src/losses/headTerms.js';
import type { Recipe } from '../../src/losses/recipe.js';
import { edgeDistance, edgeGradient, sigmoid, softmax } from './bins.js';
import { type Box, iou, scaled } from './boxes.js';
import { type BoxParameters, decodeBox, encodeBox } from './boxParameters.js';
import { bce, type LogitLoss, varifocal } from './classLosses.js';
import { distributionFocalLoss } from './distributionFocalLoss.js';
import {
  afterBatchNorm,
  bestScores,
  type Comparison,
  channelWise,
  type FeatureSizes,
  pearson,
  resized,
  scoreWeighted,
} from './featureDistillation.js';
import { focalBinary } from './focalBinary.js';
import { ciouLoss, ciouUltralyticsLoss, giouLoss } from './giou.js';
import { headRegions, type LevelRegions } from './headRegions.js';
import { imitationLoss } from './imitation.js';
import { tableFocalLoss } from './projection.js';
import { qualityFocalLoss } from './qualityFocal.js';
import { rebin, rebinnedKL, type TeacherForm, teacherSizes, teacherViews } from './rebin.js';
import { addRow, type RowPlace, readRow } from './rows.js';
import { binaryTemperatureKL, temperatureKL } from './temperatureKL.js';
import type { GivenAssignment, HeadOutputs, HeadSizes, ImageTruth } from './types.js';

export interface HeadLossInput {
  student: HeadOutputs;
  /** Without it every distillation term is 0. Feature imitation needs the features of both. */
  teacher?: HeadOutputs | undefined;
  /** In what the teacher's head differs; its outputs have the sizes of `teacherSizes`. */
  teacherForm?: TeacherForm | undefined;
  /** One entry an image. */
  truth: readonly ImageTruth[];
  sizes: HeadSizes;
  /** Whole, of `resolveRecipe`. */
  recipe: Recipe;
  /** Factor of every distillation term; 1 unless given. */
  distillation?: number | undefined;
  /** Of the assigner `given`, one entry an image. */
  given?: readonly GivenAssignment[] | undefined;
}

export interface HeadLossResult {
  /** Weighted terms, one value a level. */
  terms: Record<TermName, number[]>;
  total: number;
  /** Of `total`, laid out as the student's outputs. */
  gradients: { classLogits: Float64Array[]; boxLogits: Float64Array[]; features: Float64Array[] };
  regions: LevelRegions[];
  /** What rounding of loss_im and of its gradient grows with, see `FeatureLoss`. */
  featureRounding: { loss: number; gradient: number };
  normalisers: {
    /** max(1, sum over images of max(positives, 1)): the reference divides the classification loss by it. */
    samples: number;
    /** sum over positives of the box weights, max_c sigmoid(class logit) or target score, + 1e-6. */
    weightSum: number;
    /** sum over positives of the target scores. */
    scoreSum: number;
  };
}

/** What a teacher says of a location of the student's. */
interface Lesson {
  classLogits: Float64Array;
  /** Of each edge its logits, and where a distance lies, in the student's strides. */
  edges: { row: Float64Array; position: (distance: number) => number }[];
}

/** Keeps sums of weights above zero where a batch has no positive (reference's LDHead). */
const WEIGHT_SUM_EPSILON = 1e-6;

/**
 * The whole head loss of a recipe in float64 with its gradients, terms per level over the batch; `reference` is that of LDHead
 * (Zheng et al., CVPR 2022).
 * A level without positives has loss_bbox = loss_dfl = loss_ld = loss_kd = loss_im = 0; loss_cls, loss_ld_vlr and
 * loss_kd_neg do not depend on positives. The weights of positives, the targets and the teacher carry no gradient.
 */
export function headLossOracle(input: HeadLossInput): HeadLossResult {
  const { student, teacher, teacherForm = {}, truth, sizes, given } = input;
  const recipe = weakened(input.recipe, input.distillation ?? 1);
  const { batch, classes, bins, projection, strides } = sizes;
  const { classification, box, dfl, ld, kd, iouLd, imitation } = recipe;
  const parameters: BoxParameters = {
    parameters: box.parameters,
    bins,
    projection,
    anchor: recipe.regions.octaveScale,
  };
  const regions = headRegions(sizes, recipe, truth, student, teacher, given, input.teacherForm);

  const classPlace = (l: number, b: number, cell: number): RowPlace => {
    return { image: b, channels: classes, first: 0, length: classes, size: regions[l].level.anchors.length, cell };
  };
  const edgePlace = (l: number, b: number, cell: number, edge: number): RowPlace => {
    const size = regions[l].level.anchors.length;
    return { image: b, channels: 4 * bins, first: edge * bins, length: bins, size, cell };
  };
  const views = teacherViews(sizes, recipe.regions.centreOffset, teacherForm);
  const { bins: teacherBins, projection: teacherProjection } = teacherSizes(sizes, teacherForm);
  const distanceOf = (row: ArrayLike<number>) => edgeDistance(row, projection);
  /** What the teacher says of a location, null where its level is not taught. */
  const teacherAt = (l: number, b: number, cell: number) => {
    const view = views[l];
    if (!teacher || !view) return null;
    return {
      classLogits: readRow(teacher.classLogits[view.level], view.place(b, cell, 0, classes, classes)),
      edges: [0, 1, 2, 3].map((edge) => {
        const place = view.place(b, cell, edge * teacherBins, teacherBins, 4 * teacherBins);
        const row = readRow(teacher.boxLogits[view.level], place);
        return { row, position: (distance: number) => view.position(cell, edge, distance) };
      }),
    };
  };
  const isSame = teacherBins === bins && Object.keys(teacherForm).length === 0;
  /** Weight of a positive, held fixed. */
  const weightBy = (kind: Recipe['ld']['weights'], l: number, b: number, cell: number, index: number): number => {
    if (kind === 'none') return 1;
    if (kind === 'target-score') return regions[l].score[index];
    const taught = teacherAt(l, b, cell)?.classLogits;
    const own = readRow(student.classLogits[l], classPlace(l, b, cell));
    if (kind === 'score-difference') {
      return taught ? Math.max(...own.map((logit, c) => Math.abs(sigmoid(logit) - sigmoid(taught[c])))) : 0;
    }
    const { state, truthIndex, level } = regions[l];
    if (kind === 'decoupled' && state[index] === 1) {
      const centre = [level.centres[cell][0] / level.stride, level.centres[cell][1] / level.stride] as const;
      const expected = [0, 1, 2, 3].map((edge) => {
        return distanceOf(readRow(student.boxLogits[l], edgePlace(l, b, cell, edge)));
      });
      const predicted = decodeBox(expected, centre, parameters).map(({ value }) => value) as unknown as Box;
      return iou(predicted, scaled(truth[b].boxes[truthIndex[index]], 1 / level.stride));
    }
    const logits = kind === 'best-score' ? own : taught;
    return logits ? Math.max(...logits.map(sigmoid)) : 0;
  };

  const inMain = (l: number, index: number) => (regions[l].state[index] === 1 ? 1 : 0);
  /** Where the label counts. */
  const inAll = (l: number, index: number) => (regions[l].state[index] === -1 ? 0 : 1);
  const inLd = ld.all > 0 ? inAll : inMain;
  const inIou = iouLd.region === 'all' ? inAll : inMain;

  const sums = { box: 0, ld: 0, iou: 0, scores: 0 };
  const positivesOfImage = new Array<number>(batch).fill(0);
  eachLocation(regions, batch, (l, b, cell, index) => {
    if (views[l]) {
      sums.ld += inLd(l, index) * weightBy(ld.weights, l, b, cell, index);
      sums.iou += inIou(l, index) * weightBy(iouLd.weights, l, b, cell, index);
    }
    if (regions[l].state[index] !== 1) return;
    positivesOfImage[b]++;
    sums.box += weightBy(box.weights, l, b, cell, index);
    sums.scores += regions[l].score[index];
  });
  const samples = Math.max(
    1,
    positivesOfImage.reduce((sum, count) => sum + Math.max(count, 1), 0),
  );

  const positivesOfLevel = regions.map(({ state }) => state.filter((s) => s === 1).length);
  const valuablesOfLevel = regions.map(({ vlr }) => vlr.filter((v) => v > 0).length);
  const positives = sum(positivesOfLevel);
  const taught = <T>(values: T[]) => values.filter((_, l) => views[l]);
  const vlrSum = sum(taught(regions).map(({ vlr }) => sum(vlr))) + WEIGHT_SUM_EPSILON;
  const weightSum = sums.box + WEIGHT_SUM_EPSILON;
  const shared = { positives: Math.max(positives, 1), images: samples, scores: Math.max(sums.scores, 1), none: 1 };
  const classDivisor = shared[classification.normaliser];
  const boxDivisor = { ...shared, weights: weightSum, 'clamped-weights': Math.max(sums.box, 1) }[box.normaliser];
  const ldWeightSum = sums.ld + WEIGHT_SUM_EPSILON;
  const ofEdges = { images: 4 * shared.images, positives: 4 * shared.positives, scores: 4 * shared.scores, none: 1 };
  const ldDivisor = { ...ofEdges, reference: 4, weights: 4 * ldWeightSum, decoupled: 1 }[ld.normaliser];
  const ldVlrDivisor = { ...ofEdges, reference: 16, weights: 4 * vlrSum, decoupled: 1 }[ld.normaliser];
  /** D-FINE: the means over the edges of positives and of the others, in the ratio of the roots of their numbers. */
  const decoupled = (isMatched: boolean) => {
    const [matched, others] = [positives, sum(regions.map(({ state }) => state.length)) - positives];
    const [own, all] = [isMatched ? matched : others, Math.sqrt(matched) + Math.sqrt(others)];
    return ld.normaliser === 'decoupled' ? Math.sqrt(own) / all / (4 * own) : 1;
  };
  const iouDivisor = { ...shared, weights: sums.iou + WEIGHT_SUM_EPSILON }[iouLd.normaliser];
  const kdDivisor = (counts: number[], l: number) =>
    ({ ...shared, level: counts[l], region: sum(taught(counts)) })[kd.normaliser];
  const gateOf = (needsPositives: boolean, l: number) => (needsPositives && positivesOfLevel[l] === 0 ? 0 : 1);
  const locationsOfLevel = regions.map(({ state }) => state.length);
  // Means over the classes are those of COCO's 80 classes.
  const kdShare = kd.weightPer === 'classes' && kd.form !== 'focal-binary' ? classes / 80 : 1;

  const zeros = () => strides.map(() => 0);
  const terms = Object.fromEntries(TERM_NAMES.map((name) => [name, zeros()])) as Record<TermName, number[]>;
  const like = (arrays: readonly ArrayLike<number>[] = []) => arrays.map((array) => new Float64Array(array.length));
  const gradients = {
    classLogits: like(student.classLogits),
    boxLogits: like(student.boxLogits),
    features: like(student.features),
  };
  const classKL = {
    softmax: temperatureKL,
    binary: binaryTemperatureKL,
    'focal-binary': (own: ArrayLike<number>, taught: ArrayLike<number>, temperature: number) =>
      focalBinary(own, taught, temperature, kd.beta),
  }[kd.form];
  const boxLosses = { giou: giouLoss, ciou: ciouLoss, 'ciou-ultralytics': ciouUltralyticsLoss };
  const boxLoss = boxLosses[box.form];

  eachLocation(regions, batch, (l, b, cell, index) => {
    const { level, state, label, truthIndex, vlr } = regions[l];
    const place = classPlace(l, b, cell);
    const edges = [0, 1, 2, 3].map((edge) => edgePlace(l, b, cell, edge));
    const logits = readRow(student.classLogits[l], place);
    // The label weight: an ignored location learns no class, neither from the ground truth nor from the teacher.
    const labelWeight = state[index] === -1 ? 0 : 1;
    let classTarget = regions[l].score[index];
    const lesson = teacherAt(l, b, cell);

    // Everything of the box in units of stride.
    const centre = [level.centres[cell][0] / level.stride, level.centres[cell][1] / level.stride] as const;
    if (state[index] === 1) {
      const target = scaled(truth[b].boxes[truthIndex[index]], 1 / level.stride);
      const weight = weightBy(box.weights, l, b, cell, index);
      const rows = edges.map((edge) => readRow(student.boxLogits[l], edge));
      const decoded = decodeBox(rows.map(distanceOf), centre, parameters);
      const predicted = decoded.map(({ value }) => value) as unknown as Box;
      if (classification.target === 'iou') classTarget = iou(predicted, target);

      const overlap = boxLoss(predicted, target);
      let boxScale = (box.weight * weight) / boxDivisor;
      if (lesson && box.bounded > 0) {
        if (overlap.loss > boxLoss(taughtBox(lesson), target).loss) boxScale *= 1 + box.bounded;
      }
      terms.loss_bbox[l] += boxScale * overlap.loss;

      const targets = encodeBox(target, centre, parameters);
      const dflScale = (dfl.weight * weight) / 4 / boxDivisor;
      rows.forEach((row, edge) => {
        const slope = sum(decoded.map(({ partial }, side) => overlap.gradient[side] * partial[edge]));
        addRow(gradients.boxLogits[l], edges[edge], boxScale * slope, edgeGradient(row, projection));

        const extent = edge % 2 === 0 ? sizes.width : sizes.height;
        const focal =
          bins === 1
            ? distanceLoss(row[0], targets[edge], level.stride / extent)
            : projection
              ? tableFocalLoss(row, targets[edge], dfl.margin, projection)
              : distributionFocalLoss(row, targets[edge], dfl.margin);
        terms.loss_dfl[l] += dflScale * focal.loss;
        addRow(gradients.boxLogits[l], edges[edge], dflScale, focal.gradient);
      });

      if (lesson) {
        const ldWeight = weightBy(ld.weights, l, b, cell, index);
        localization('loss_ld', (ld.main * ldWeight) / ldDivisor, lesson);
        classDistillation('loss_kd', kd.main / kdDivisor(positivesOfLevel, l), lesson);
      }
    }

    if (lesson) {
      const ldWeight = labelWeight * weightBy(ld.weights, l, b, cell, index);
      const share = decoupled(state[index] === 1);
      if (ld.all > 0) localization('loss_ld', (ld.all * share * ldWeight) / ldDivisor, lesson);
      if (kd.all > 0) classDistillation('loss_kd', (kd.all * labelWeight) / kdDivisor(locationsOfLevel, l), lesson);
      if (iouLd.weight > 0) overlapDistillation(lesson);
    }

    if (lesson && vlr[index] > 0) {
      localization('loss_ld_vlr', (ld.vlr * vlr[index]) / ldVlrDivisor, lesson);
      classDistillation('loss_kd_neg', (kd.vlr * labelWeight) / kdDivisor(valuablesOfLevel, l), lesson);
    }

    const classScale = (classification.weight * labelWeight) / classDivisor;
    const row = logits.map((logit, c) => {
      const loss = classLoss(logit, c === label[index] ? classTarget : 0, classification);
      terms.loss_cls[l] += classScale * loss.loss;
      return loss.gradient;
    });
    addRow(gradients.classLogits[l], place, classScale, row);

    function localization(term: TermName, scale: number, lesson: Lesson): void {
      for (const [e, edge] of edges.entries()) {
        if (scale === 0) continue;
        const studentRow = readRow(student.boxLogits[l], edge);
        const { row, position } = lesson.edges[e];
        const positions = Array.from(row, (_, k) => position(teacherProjection?.[k] ?? k));
        const { loss, gradient } = isSame
          ? temperatureKL(studentRow, row, ld.temperature)
          : rebinnedKL(studentRow, rebin(softmax(row, ld.temperature), positions, bins, projection), ld.temperature);
        const reduced = scale * (ld.reduction === 'sum' ? bins : 1);
        terms[term][l] += reduced * loss;
        addRow(gradients.boxLogits[l], edge, reduced, gradient);
      }
    }

    function taughtBox(lesson: Lesson): Box {
      const expected = lesson.edges.map(({ row, position }) => {
        const distance = edgeDistance(row, teacherProjection);
        return isSame ? distance : position(distance);
      });
      return decodeBox(expected, centre, parameters).map(({ value }) => value) as unknown as Box;
    }

    function overlapDistillation(lesson: Lesson): void {
      const weight = inIou(l, index) * weightBy(iouLd.weights, l, b, cell, index);
      const scale = (iouLd.weight * weight * gateOf(iouLd.needsPositives, l)) / iouDivisor;
      if (scale === 0) return;
      const rows = edges.map((edge) => readRow(student.boxLogits[l], edge));
      const decoded = decodeBox(rows.map(distanceOf), centre, parameters);
      const predicted = decoded.map(({ value }) => value) as unknown as Box;
      const bound = taughtBox(lesson);
      // A head of one bin may say a box with a negative side.
      if ([predicted, bound].some(([x1, y1, x2, y2]) => x2 < x1 || y2 < y1)) return;
      const overlap = boxLosses[iouLd.form](predicted, bound);
      terms.loss_ld_iou[l] += scale * overlap.loss;
      rows.forEach((row, edge) => {
        const slope = sum(decoded.map(({ partial }, side) => overlap.gradient[side] * partial[edge]));
        addRow(gradients.boxLogits[l], edges[edge], scale * slope, edgeGradient(row, projection));
      });
    }

    function classDistillation(term: TermName, scale: number, lesson: Lesson): void {
      const { loss, gradient } = classKL(logits, lesson.classLogits, kd.temperature);
      const gated = scale * kdShare * gateOf(kd.needsPositives, l);
      terms[term][l] += gated * loss;
      addRow(gradients.classLogits[l], place, gated, gradient);
    }
  });

  const featureRounding = { loss: 0, gradient: 0 };
  strides.forEach((_, l) => {
    const view = views[l];
    const own = student.features?.[l];
    const theirs = view && teacher?.features?.[view.level];
    if (!teacher || !own || !theirs || imitation.method === 'none') return;
    const onStudent = (maps: ArrayLike<number>) => resized(maps, view.map, regions[l].level);
    const others = onStudent(theirs);
    const shape = { batch, channels: own.length / (batch * regions[l].level.anchors.length) };
    const scores = onStudent(bestScores(teacher.classLogits[view.level], { batch, channels: classes }));
    for (const { compare, weight } of comparisons(l, shape, scores)) {
      const compared = imitation.norm === 'batch' ? afterBatchNorm(own, others, shape, compare) : compare(own, others);
      const { loss, gradient, addend = 0, condition = 0 } = compared;
      featureRounding.loss = Math.max(featureRounding.loss, weight * condition);
      featureRounding.gradient = Math.max(featureRounding.gradient, weight * addend * condition);
      terms.loss_im[l] += weight * loss;
      gradient.forEach((g, i) => {
        gradients.features[l][i] += weight * g;
      });
    }
  });

  /** What compares the features of a level, and with which weight. */
  function comparisons(
    l: number,
    shape: FeatureSizes,
    scores: Float64Array,
  ): { compare: Comparison; weight: number }[] {
    const { method, weight, temperature, background, needsPositives } = imitation;
    if (method === 'cwd') return [{ weight, compare: (s, t) => channelWise(s, t, shape, temperature) }];
    if (method === 'pkd') return [{ weight, compare: (s, t) => pearson(s, t, shape) }];
    if (method === 'score-weighted') return [{ weight, compare: (s, t) => scoreWeighted(s, t, shape, scores) }];
    if (needsPositives && positivesOfLevel[l] === 0) return [];
    const inside = regions[l].imitation;
    const imitated: { compare: Comparison; weight: number }[] = [
      { weight, compare: (s, t) => imitationLoss(s, t, inside, batch) },
    ];
    if (method !== 'decouple') return imitated;
    // DeFeat (Guo et al., CVPR 2021): foreground and background each by its own mean.
    const outside = inside.map((is) => 1 - is);
    return [...imitated, { weight: background * weight, compare: (s, t) => imitationLoss(s, t, outside, batch) }];
  }

  const factor = recipe.scale === 'batch' ? batch : 1;
  featureRounding.loss *= factor;
  featureRounding.gradient *= factor;
  for (const values of [...Object.values(terms), ...Object.values(gradients).flat()]) {
    values.forEach((value, i) => {
      values[i] = factor * value;
    });
  }
  const total = sum(Object.values(terms).flat());
  return {
    terms,
    total,
    gradients,
    regions,
    featureRounding,
    normalisers: { samples, weightSum, scoreSum: sums.scores },
  };
}

/** The recipe with every distillation term times a factor. */
function weakened({ box, ld, kd, iouLd, imitation, ...rest }: Recipe, factor: number): Recipe {
  return {
    ...rest,
    box: { ...box, bounded: factor * box.bounded },
    ld: { ...ld, main: factor * ld.main, vlr: factor * ld.vlr, all: factor * ld.all },
    kd: { ...kd, main: factor * kd.main, vlr: factor * kd.vlr, all: factor * kd.all },
    iouLd: { ...iouLd, weight: factor * iouLd.weight },
    imitation: { ...imitation, weight: factor * imitation.weight },
  };
}

/** |distance − target| as a share of the image (YOLO26, whose heads have no distributions). */
function distanceLoss(distance: number, target: number, share: number) {
  const difference = distance - target;
  return { loss: Math.abs(difference) * share, gradient: Float64Array.of(Math.sign(difference) * share) };
}

function classLoss(logit: number, target: number, recipe: Recipe['classification']): LogitLoss {
  const { loss, alpha, beta, iouWeighted } = recipe;
  if (loss === 'bce') return bce(logit, target);
  if (loss === 'varifocal') return varifocal(logit, target, { alpha, gamma: beta, iouWeighted });
  return qualityFocalLoss(logit, target, beta);
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
