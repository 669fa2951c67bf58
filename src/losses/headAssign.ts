import type { Assigner } from '../regions/assigner.js';
import { ASSIGNERS } from '../regions/assigners.js';
import { type Assignment, type AssignmentMaps, assignmentMaps } from '../regions/assignment.js';
import { scoreByOverlap } from '../regions/overlapScores.js';
import type { Truth } from '../regions/truth.js';
import { InputError } from '../util/error.js';
import type { HeadOutputs } from './headOutputs.js';
import type { HeadSetting } from './headSetting.js';
import type { Recipe } from './recipe.js';

type Assigned = Pick<HeadSetting, 'recipe' | 'grid' | 'bins'> & Partial<Pick<HeadSetting, 'projection'>>;

/** The recipe's assigner's assignment, with the VLR where that is distilled. @throws InputError where the caller has to give it */
export function assign(setting: Assigned, truth: Truth, student: HeadOutputs): Assignment {
  const { regions, ld, kd } = setting.recipe;
  return assignWith(ld.vlr > 0 || kd.vlr > 0 ? regions.vlr : 'none', setting, truth, student);
}

/** Records the maps of `assign`, for the caller; with the VLR even where it is not distilled. @throws InputError as `assign` */
export function assignedMaps(setting: Assigned, truth: Truth, student: HeadOutputs): AssignmentMaps {
  const assignment = assignWith(setting.recipe.regions.vlr, setting, truth, student);
  const maps = assignmentMaps(assignment);
  assignment.dispose();
  return maps;
}

function assignWith(
  vlr: Recipe['regions']['vlr'],
  { recipe, grid, bins, projection }: Assigned,
  truth: Truth,
  student: HeadOutputs,
): Assignment {
  const { assigner, topk, ignoreIofThreshold, gamma } = recipe.regions;
  if (assigner === 'given') {
    throw new InputError(
      `assignment: recipe ${recipe.name} takes the caller's; give what assignmentOf makes, or set regions.assigner.`,
    );
  }
  const entry = ASSIGNERS[assigner];
  const { assign, unscored }: Assigner = entry;
  const options = {
    ...('section' in entry && recipe[entry.section]),
    bins,
    parameters: recipe.box.parameters,
    ...(projection && { projection }),
    atss: { topk, ignoreIofThreshold, vlr, gamma },
  };
  const assignment = assign(grid, truth, student, options);
  if (unscored && usesScores(recipe)) scoreByOverlap(grid, assignment, student, options);
  return assignment;
}

function usesScores({ classification, box, ld, kd, iouLd }: Recipe): boolean {
  return (
    classification.target === 'assigned' ||
    [box.weights, ld.weights, iouLd.weights].includes('target-score') ||
    [classification, box, ld, kd, iouLd].some(({ normaliser }) => normaliser === 'scores')
  );
}
