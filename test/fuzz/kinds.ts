import { cocoKinds } from './cocoKinds.js';
import type { FuzzKind } from './kind.js';
import { runKinds } from './runKinds.js';
import { settingKinds } from './settingKinds.js';

export const KINDS: readonly FuzzKind[] = [...settingKinds, ...runKinds, ...cocoKinds];
