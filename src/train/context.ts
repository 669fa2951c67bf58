import type { ImageSource } from '../data/source.js';
import type { DetectionNet } from '../detector/net.js';
import { isCross, needsTeacher, type Recipe } from '../losses/recipe.js';
import type { Communicator } from '../mpi/communicator.js';
import type { Device } from '../tensor/device.js';
import { InputError } from '../util/error.js';
import type { Checkpoint, CheckpointUse } from './checkpoint.js';
import type { LogEntry } from './logEntry.js';
import type { LossScaleState } from './lossScale.js';
import type { TrainProgress } from './progress.js';
import type { RunOrigin } from './runFolder.js';
import type { TrainSettings } from './settings.js';
import { type Teacher, teacherOf } from './teacher.js';

/** When a training saves its state, besides at the end of each epoch, before each evaluation and when it is aborted. */
export interface CheckpointEvery {
  /** Steps between two; 0, the default: not by steps. */
  steps?: number;
  /** Minutes between two; default 5, 0: not by time. */
  minutes?: number;
}

/** What a training needs besides what its checkpoints hold. */
export interface TrainContext {
  /** What it runs on. */
  device: Device;
  /** The images to learn from. */
  source: ImageSource;
  /** The images to evaluate on; without them it is never evaluated. */
  validation?: ImageSource;
  /** Frozen; needed where the recipe distils, else only compared with at each evaluation. It stays the caller's. */
  teacher?: DetectionNet | Teacher;
  /** Folder for the teacher's outputs as half floats, for all trainings. Rounding changes bits: a training that began with one keeps it. */
  teacherCache?: string;
  /** Where data and teacher are, for `run.json`. */
  origin?: RunOrigin;
  /** The run's folder: `checkpoint.safetensors`, `best.safetensors`, `log.jsonl`, `run.json`; with an ONNX model also its model and mapping. */
  folder: string;
  /** Makes a checkpoint's net for `resumeTraining`: `restoreNet` of edgewise/onnx for ONNX models. Default: only detectors of this package. */
  restore?: (device: Device, checkpoint: Checkpoint, use: CheckpointUse) => Promise<DetectionNet>;
  /**
   * The processes that share each step: `openMpi()`. Each computes an equal part of the batch, the gradients are summed, and all make the same
   * update: they train as one process does, but for rounding. Rank 0 writes the folder and evaluates; to resume, all read it. Default: this
   * process alone.
   */
  ranks?: Communicator;
  /** Of `resumeTraining`: in place of the run's own `settings.recompute`, which changes no bit of a training. */
  recompute?: boolean;
  /** How much a killed process may lose. It changes no bit of the training. */
  checkpointEvery?: CheckpointEvery;
  /** Told how the training gets on. */
  onProgress?: (progress: TrainProgress) => void;
  /** Once aborted, the step under way is finished and the state saved. */
  signal?: AbortSignal;
}

/** How a training ended. */
export interface TrainResult {
  /** True where it was aborted: `resumeTraining` goes on from the folder. */
  interrupted: boolean;
  /** Steps done since the start of the training. */
  step: number;
  /** The last epoch's line of the log; null before the end of the first. */
  last: LogEntry | null;
  /** At the end, one line where AP is still near zero or was still rising: what to do. Else null. */
  advice: string | null;
}

/** What changes while training, besides the tensors. */
export interface TrainState {
  readonly recipe: Recipe;
  readonly settings: TrainSettings;
  step: number;
  /** Sums of the terms over the steps done of the epoch under way, in the order of the steps. */
  epochTerms: number[];
  bestAp: number;
  /** Where maps are stored in f16. */
  lossScale?: LossScaleState;
  /** The last epoch's line of the log. */
  last: LogEntry | null;
}

/** The folder of the cache that a training uses; null where it has none, or no teacher. */
export function cacheOf({ teacherCache }: TrainContext, recipe: Recipe): string | null {
  return teacherCache !== undefined && needsTeacher(recipe) ? teacherCache : null;
}

/** @throws InputError for a cache that a recipe with `cross` cannot use */
export function assertCacheable({ teacher, teacherCache }: TrainContext, recipe: Recipe): void {
  // A teacher whose head is elsewhere is refused without a cache, too.
  if (teacherCache === undefined || !isCross(recipe) || !teacher || !teacherOf(teacher).detector) return;
  throw new InputError(
    `teacherCache: recipe ${recipe.name} sends the student's features through the teacher's head, which a cache does not hold; leave teacherCache (--teacher-cache) out.`,
  );
}
