import type { Assigner } from './assigner.js';
import { ATSS } from './atss.js';
import { DYNAMIC_SOFT_LABEL } from './dynamicSoftLabel.js';
import { TASK_ALIGNED } from './taskAligned.js';

/** The assigners by the names that recipes have for them; the first is the default. Schema, head loss and captions read this list. */
export const ASSIGNERS = {
  atss: ATSS,
  'task-aligned': TASK_ALIGNED,
  'dynamic-soft-label': DYNAMIC_SOFT_LABEL,
} as const satisfies Record<string, Assigner>;
