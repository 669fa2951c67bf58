import { type Assignment, type AssignmentMaps, assignmentMaps } from '../regions/assignment.js';
import { atss } from '../regions/atss.js';
import { dynamicSoftLabel } from '../regions/dynamicSoftLabel.js';
import { scoreByOverlap } from '../regions/overlapScores.js';
import { taskAligned } from '../regions/taskAligned.js';
import type { Truth } from '../regions/truth.js';
import { InputError } from '../util/error.js';
import type { HeadOutputs } from './headOutputs.js';
import type { HeadSetting } from './headSetting.js';
import type { Recipe } from './recipe.js';

/** What an assignment goes by. */
type Assigned = Pick<HeadSetting, 'recipe' | 'grid' | 'bins'> & Partial<Pick<HeadSetting, 'projection'>>;

/**
 * The assignment of the recipe's assigner, with the VLR where the recipe distils there.
 * @throws InputError where the caller has to give it
 */
export function assign(setting: Assigned, truth: Truth, student: HeadOutputs): Assignment {
  const { regions, ld, kd } = setting.recipe;
  return assignWith(ld.vlr > 0 || kd.vlr > 0 ? regions.vlr : 'none', setting, truth, student);
}

/**
 * Records the same as maps, to look at, with the VLR of `regions.vlr` also where the recipe does not distil there. They are the
 * caller's.
 * @throws InputError as `assign`
 */
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
  const region = { topk, ignoreIofThreshold, vlr, gamma };
  const shared = { bins, parameters: recipe.box.parameters, ...(projection && { projection }), atss: region };
  switch (assigner) {
    case 'atss': {
      const assignment = atss(grid, truth, region);
      if (usesScores(recipe)) scoreByOverlap(grid, assignment, student, shared);
      return assignment;
    }
    case 'task-aligned':
      return taskAligned(grid, truth, student, { ...recipe.taskAligned, ...shared });
    case 'dynamic-soft-label':
      return dynamicSoftLabel(grid, truth, student, { ...recipe.dynamicSoftLabel, ...shared });
    case 'given':
      throw new InputError(
        `assignment: recipe ${recipe.name} takes the caller's; give what assignmentOf makes, or set regions.assigner.`,
      );
  }
}

/** Whether anything goes by the target scores of positives. */
function usesScores({ classification, box, ld, kd, iouLd }: Recipe): boolean {
  return (
    classification.target === 'assigned' ||
    [box.weights, ld.weights, iouLd.weights].includes('target-score') ||
    [classification, box, ld, kd, iouLd].some(({ normaliser }) => normaliser === 'scores')
  );
}
