import type { Assignment } from '../regions/assignment.js';
import { atss } from '../regions/atss.js';
import { dynamicSoftLabel } from '../regions/dynamicSoftLabel.js';
import { scoreByOverlap } from '../regions/overlapScores.js';
import { taskAligned } from '../regions/taskAligned.js';
import type { Truth } from '../regions/truth.js';
import { InputError } from '../util/error.js';
import type { HeadOutputs } from './headOutputs.js';
import type { HeadSetting } from './headSetting.js';
import type { Recipe } from './recipe.js';

/**
 * The assignment of the recipe's assigner, with the VLR where the recipe distils there.
 * @throws InputError where the caller has to give it
 */
export function assign({ recipe, grid, bins }: HeadSetting, truth: Truth, student: HeadOutputs): Assignment {
  const { assigner, topk, ignoreIofThreshold, vlr, gamma } = recipe.regions;
  const needsVlr = recipe.ld.vlr > 0 || recipe.kd.vlr > 0;
  const region = { topk, ignoreIofThreshold, vlr: needsVlr ? vlr : 'none', gamma } as const;
  const shared = { bins, parameters: recipe.box.parameters, atss: region };
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
function usesScores({ classification, box, ld }: Recipe): boolean {
  return (
    classification.target === 'assigned' ||
    [box.weights, ld.weights].includes('target-score') ||
    [classification.normaliser, box.normaliser, ld.normaliser].includes('scores')
  );
}
