import type { TermName } from '../losses/headTerms.js';
import type { LogEntry } from './logEntry.js';

/** Where a training is, every few steps. */
export interface StepProgress {
  /** From 1. */
  epoch: number;
  /** Of the whole training. */
  epochs: number;
  /** Who assigns; where the recipe's `regions.switchAfter` changes it. */
  assigner?: string;
  /** Steps done, and all of the training. */
  step: number;
  /** Likewise. */
  steps: number;
  /** Of the last step. */
  learningRate: number;
  /** Factor of the distillation terms in the last step; where the recipe changes it. */
  distillation?: number;
  /** Means over the steps since the last report, summed over the levels, weights included. */
  loss: number;
  /** Likewise, term by term. */
  terms: Record<TermName, number>;
  /** Norm of the last step's gradients before clipping. */
  gradientNorm: number;
  /** Since the training was last started, without evaluations. */
  imagesPerSecond: number;
  /** Of the remaining steps; evaluation comes on top. */
  secondsLeft: number;
}

/** Reported every few steps. */
export interface StepReport extends StepProgress {
  /** Tells the reports apart. */
  kind: 'step';
}

/** Reported while kernels are compiled, before the first step; not where the device has them. */
export interface CompilationReport {
  /** Tells the reports apart. */
  kind: 'compilation';
  /** Kernels done. */
  done: number;
  /** Kernels in all. */
  of: number;
}

/** Reported while a training evaluates. */
export interface EvaluationReport {
  /** Tells the reports apart. */
  kind: 'evaluation';
  /** Images done. */
  done: number;
  /** Images in all. */
  of: number;
}

/** Reported at the end of each epoch: its line of the log. */
export interface EpochReport extends LogEntry {
  /** Tells the reports apart. */
  kind: 'epoch';
  /** Of the whole training. */
  epochs: number;
}

/** Something is wrong that does not stop the training. */
export interface WarningReport {
  /** Tells the reports apart. */
  kind: 'warning';
  /** One line, for people. */
  message: string;
}

/** How a training gets on. */
export type TrainProgress = CompilationReport | StepReport | EvaluationReport | EpochReport | WarningReport;
