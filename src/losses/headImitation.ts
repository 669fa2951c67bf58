import { type Assignment, COUNTS } from '../regions/assignment.js';
import { generalInstances } from '../regions/generalInstances.js';
import { type ImitationRegionMethod, imitationRegion } from '../regions/imitation.js';
import type { Truth } from '../regions/truth.js';
import type { Maps } from '../tensor/layout.js';
import type { Parts } from '../tensor/parts.js';
import { Pyramid } from '../tensor/pyramid.js';
import type { Tensor } from '../tensor/tensor.js';
import { InputError } from '../util/error.js';
import type { FeaturePair } from './featureNorm.js';
import { bestScores, correlate, distilChannels } from './featurePasses.js';
import { isResized, resizeToStudent } from './featureResize.js';
import type { HeadOutputs } from './headOutputs.js';
import { type HeadSetting, stepImages } from './headSetting.js';
import { batchScale, type HeadTerm } from './headTerm.js';
import { imitateByScore, imitateFeatures } from './imitation.js';
import { type ImitationMethod, isRegionless, type RegionlessMethod } from './recipe.js';

/** The comparison of features. */
export const IMITATION_TERM = {
  name: 'loss_im',
  curve: 'Feature imitation',
  fault: "the student's or the teacher's features (or the class logits that weight them)",
  distils: true,
  unrecorded: true,
  scale: ({ imitation: { weight } }) => ({ weight, normaliser: 'none' }),
} as const satisfies HeadTerm;

interface ImitationInput {
  student: HeadOutputs;
  teacher: HeadOutputs;
  /** Needed by regions. */
  truth: Truth | undefined;
  assignment: Assignment;
}

/** What imitation adds to the head loss. */
export interface ImitationTerm {
  /** [N] f32: 1 where features are imitated; null for a method without a region. */
  mask: Tensor | null;
  /** With respect to the student's features. */
  gradient: Pyramid;
  /** [N] weighted losses. */
  losses: Tensor;
}

interface Share {
  weight: number;
  losses: Tensor;
  /** Processes that share the step. */
  shares: number;
}

/**
 * The comparison of features: in a region as in the LD authors' code, the mean squared error over the locations of the region × channels of
 * a level, for `decouple` also over the rest; or a loss of featureDistillation.ts.
 * @returns null where the recipe does not imitate
 */
export function* imitationTerm(setting: HeadSetting, input: ImitationInput): Parts<ImitationTerm | null> {
  const { device, recipe, grid, batch, distillation, shares } = setting;
  const { method } = recipe.imitation;
  const weight = recipe.imitation.weight * distillation * batchScale(setting);
  if (weight === 0 || method === 'none') return null;
  const { student, teacher } = { student: input.student.features, teacher: input.teacher.features };
  if (!student || !teacher) {
    throw new InputError(
      `features: recipe ${recipe.name} imitates them; give those of the student and of the teacher.`,
    );
  }
  const losses = device.empty([batch * grid.locations]);
  const resized = isResized(setting) ? resizeToStudent(teacher, setting, student) : null;
  const pair = { student, teacher: resized ?? teacher };
  const share = { weight, losses, shares };
  const made = isRegionless(method)
    ? { mask: null, gradient: yield* everywhere(setting, method, pair, input.teacher, share) }
    : yield* inRegion(setting, method, pair, input, share);
  resized?.dispose();
  return { ...made, losses };
}

function* everywhere(
  setting: HeadSetting,
  method: RegionlessMethod,
  pair: FeaturePair,
  { classLogits }: HeadOutputs,
  share: Share,
): Parts<Pyramid> {
  const { norm, temperature } = setting.recipe.imitation;
  if (method === 'cwd') return distilChannels(pair, { ...share, temperature, norm, images: stepImages(setting) });
  if (method === 'pkd') return correlate(pair, share);
  const scores = teacherScores(setting, classLogits);
  const gradient = yield* imitateByScore(pair, scores, { ...share, norm });
  scores.dispose();
  return gradient;
}

/** [N], the teacher's best class score for each of the student's locations. */
function teacherScores(setting: HeadSetting, classLogits: Maps): Tensor {
  const { classes, batch, teacher } = setting;
  const { locations, levels, levelTable } = teacher.grid;
  const scores = bestScores(classLogits, { batch, classes, locations, levelTable });
  if (!isResized(setting)) return scores;
  const resized = resizeToStudent(Pyramid.of(scores, batch, 1, levels), setting, null);
  scores.dispose();
  return resized;
}

function* inRegion(
  { recipe, grid, bins, projection, teacher: teacherHead }: HeadSetting,
  method: Exclude<ImitationMethod, RegionlessMethod | 'none'>,
  pair: FeaturePair,
  { student, teacher, truth, assignment }: ImitationInput,
  share: Share,
): Parts<{ mask: Tensor; gradient: Pyramid }> {
  const { background, needsPositives, norm } = recipe.imitation;
  if (!truth) throw new InputError(`truth: recipe ${recipe.name} imitates features by the boxes; give them.`);
  const mask = isGeneral(method)
    ? generalInstances(grid, truth, {
        student,
        teacher,
        bins,
        ...(projection && { projection }),
        teacherHead,
        parameters: recipe.box.parameters,
        scope: method === 'gibox' ? 'batch' : 'image',
      })
    : imitationRegion(method, grid, truth, assignment);
  const gates = {
    tensor: assignment.counts,
    first: COUNTS.levelPositives,
    images: assignment.counts.size / COUNTS.stride,
    imageStride: COUNTS.stride,
  };
  const gradient = yield* imitateFeatures(pair.student, pair.teacher, mask, {
    ...share,
    norm,
    background: method === 'decouple' ? background : 0,
    gates: needsPositives ? gates : undefined,
  });
  return { mask, gradient };
}

function isGeneral(method: ImitationRegionMethod | 'gibox' | 'gibox-image'): method is 'gibox' | 'gibox-image' {
  return method.startsWith('gibox');
}
