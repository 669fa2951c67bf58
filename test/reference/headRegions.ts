import { isRegionless, type Recipe } from '../../src/losses/recipe.js';
import { assignAtss, ignoredAnchors } from './atss.js';
import { iou } from './boxes.js';
import type { BoxParameters } from './boxParameters.js';
import { assignDynamicSoftLabel } from './dynamicSoftLabel.js';
import { type GridLevel, type GridOptions, gridLevels } from './grid.js';
import { giboxRegion, imitationRegion } from './imitationRegion.js';
import { imagePredictions, predictedBox } from './predictions.js';
import { type TeacherForm, teacherSizes, teacherViews } from './rebin.js';
import { assignTaskAligned } from './taskAligned.js';
import type { GivenAssignment, HeadOutputs, HeadSizes, ImageAssignment, ImageTruth } from './types.js';
import { valuableRegion } from './vlr.js';

/** What each location of one level learns; every array [B, H*W]. */
export interface LevelRegions {
  level: GridLevel;
  /** 1 positive, 0 negative, -1 ignored. */
  state: Int8Array;
  /** Class of a positive, -1 elsewhere. */
  label: Int32Array;
  /** Ground truth of its image that a positive belongs to, -1 elsewhere. */
  truthIndex: Int32Array;
  /** Target score of a positive, 0 elsewhere; of ATSS the IoU of the student's own box, NaN without outputs of a student. */
  score: Float64Array;
  /** IoU in the valuable region, 0 outside; of a given assignment what it gives. */
  vlr: Float64Array;
  /** Imitation region, 1 inside; for `decouple` the foreground. All 0 without a method, for one without a region, and for gibox without a teacher. */
  imitation: Uint8Array;
}

interface Context {
  classes: number;
  grid: GridOptions;
  recipe: Recipe;
  parameters: BoxParameters;
  student: HeadOutputs;
}

/**
 * Assignment, valuable region and imitation region of a batch, regrouped from images to levels.
 * @param given of the assigner `given`, an entry an image
 * @param teacherForm in what the teacher's head differs
 */
export function headRegions(
  sizes: HeadSizes,
  recipe: Recipe,
  truth: readonly ImageTruth[],
  student: HeadOutputs,
  teacher: HeadOutputs | undefined,
  given?: readonly GivenAssignment[],
  teacherForm?: TeacherForm,
): LevelRegions[] {
  const { batch, classes, bins, projection } = sizes;
  const { method } = recipe.imitation;
  const { assigner, topk, octaveScale, centreOffset, ignoreIofThreshold, vlr: form, gamma } = recipe.regions;
  const grid = { ...sizes, octaveBaseScale: octaveScale, centreOffset };
  const parameters = { parameters: recipe.box.parameters, bins, projection, anchor: octaveScale };
  const looksAtBoxes = method === 'gibox' || method === 'gibox-image';
  const images = truth.map((image, b) => {
    const input = { ...grid, topk, ignoreIofThreshold, ...image };
    const assignment = assign({ classes, grid, recipe, parameters, student }, image, b, given?.[b]);
    const positive = assignment.state.map((state) => (state === 1 ? 1 : 0));
    return {
      ...assignment,
      vlr:
        assigner === 'given'
          ? (given?.[b].vlr ?? new Float64Array(positive.length))
          : valuableRegion({ ...input, form, gamma }),
      imitation:
        looksAtBoxes || method === 'none' || isRegionless(method)
          ? new Uint8Array(assignment.state.length)
          : imitationRegion(method, assignment.levels, image, positive),
    };
  });
  const views = teacherForm && teacherViews(sizes, centreOffset, teacherForm);
  return gridLevels(grid).map((level, l) => {
    const taughtBy = views?.[l]?.level ?? l;
    const end = level.first + level.anchors.length;
    const join = (part: (image: (typeof images)[number]) => ArrayLike<number>) =>
      images.flatMap((image) => Array.from(part(image)).slice(level.first, end));
    return {
      level,
      state: Int8Array.from(join((image) => image.state)),
      label: Int32Array.from(join((image) => image.label)),
      truthIndex: Int32Array.from(join((image) => image.truthIndex)),
      score: Float64Array.from(join((image) => image.score)),
      vlr: Float64Array.from(join((image) => image.vlr)),
      imitation:
        looksAtBoxes && teacher
          ? giboxRegion({
              level,
              batch,
              classes,
              parameters,
              student: { classLogits: student.classLogits[l], boxLogits: student.boxLogits[l] },
              teacher: { classLogits: teacher.classLogits[taughtBy], boxLogits: teacher.boxLogits[taughtBy] },
              teacherView: views && teacherForm && { view: views[l], ...teacherSizes(sizes, teacherForm) },
              scope: method === 'gibox' ? 'batch' : 'image',
            })
          : Uint8Array.from(join((image) => image.imitation)),
    };
  });
}

/** Image `b` by the recipe's assigner. Anchors that ignore regions cover are ignored whatever the assigner, unless positive. */
function assign(
  { classes, grid, recipe, parameters, student }: Context,
  image: ImageTruth,
  b: number,
  given: GivenAssignment | undefined,
): ImageAssignment {
  const { assigner, topk, ignoreIofThreshold } = recipe.regions;
  const levels = gridLevels(grid);
  if (assigner === 'given') {
    if (!given) throw new Error(`no given assignment of image ${b}`);
    return { levels, ...given };
  }
  if (assigner === 'atss') {
    const assignment = assignAtss({ ...grid, topk, ignoreIofThreshold, ...image });
    const score = levels.flatMap((level, l) =>
      level.anchors.map((_, cell) => {
        const g = assignment.truthIndex[level.first + cell];
        if (g < 0) return 0;
        const logits = student.boxLogits[l];
        return logits ? iou(predictedBox(level, logits, b, cell, parameters), image.boxes[g]) : Number.NaN;
      }),
    );
    return { ...assignment, score: Float64Array.from(score) };
  }
  const input = { ...grid, ...image, ...imagePredictions(levels, student, b, classes, parameters) };
  const assignment =
    assigner === 'task-aligned'
      ? assignTaskAligned({ ...input, ...recipe.taskAligned })
      : assignDynamicSoftLabel({ ...input, ...recipe.dynamicSoftLabel });
  const anchors = levels.flatMap((level) => level.anchors);
  const ignored = ignoredAnchors(anchors, image.ignore ?? [], image.boxes.length > 0 ? ignoreIofThreshold : -1);
  return { ...assignment, state: assignment.state.map((s, i) => (s === 0 && ignored[i] ? -1 : s)) };
}
