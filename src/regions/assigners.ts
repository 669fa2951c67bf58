import type { Assigner } from './assigner.js';
import { ATSS } from './atss.js';
import { DYNAMIC_SOFT_LABEL } from './dynamicSoftLabel.js';
import { TASK_ALIGNED } from './taskAligned.js';

/** The assigners by their names in recipes; the first is the default. */
export const ASSIGNERS = {
  atss: ATSS,
  'task-aligned': TASK_ALIGNED,
  'dynamic-soft-label': DYNAMIC_SOFT_LABEL,
} as const satisfies Record<string, Assigner>;
