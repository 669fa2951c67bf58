import type { Detections } from '../detector/choose.js';
import type { TermName } from '../losses/headTerms.js';
import type { LevelSize } from '../tensor/pyramid.js';
import type { CompilationReport } from '../train/progress.js';

/** The nets of the page: one teacher and two students of the same seed, which differ in nothing but localization distillation. */
export const STUDENTS = ['with', 'without'] as const;
export type StudentName = (typeof STUDENTS)[number];
export const NETS = ['teacher', ...STUDENTS] as const;
export type NetName = (typeof NETS)[number];

/** What the sliders say of localization distillation; it acts on the running training. */
export interface Distillation {
  /** LD's temperature, above 0. */
  temperature: number;
  /** The VLR's lower bound as a share of the assigner's threshold, 0 to 1. */
  gamma: number;
  /** Weight of LD, on the main region and on the VLR. */
  weight: number;
}

/** The student's defaults are the recipe main-kd+main-ld+vlr-ld. */
export const DISTILLATION: Distillation = { temperature: 10, gamma: 0.25, weight: 0.25 };

/** Steps of a training; the learning rate falls along half a cosine. */
export const STEPS = 1500;

/** A file of the visitor's. */
export interface DroppedFile {
  file: File;
  /** Its name, with the folders before it as far as they are known. */
  path: string;
}

/** From the page to the training. */
export type Command =
  | {
      kind: 'start';
      /** Null: the built-in shapes. */
      files: DroppedFile[] | null;
      /** Shapes only: dropped images have a teacher that learns along. */
      teacher: 'shipped' | 'live';
      seed: number;
      distillation: Distillation;
    }
  | { kind: 'distil'; distillation: Distillation }
  | { kind: 'pause'; paused: boolean }
  | { kind: 'look'; image: number };

/** Losses of a step by net: each term summed over the levels, weights included. The teacher's are there where it learns. */
export type StepTerms = Partial<Record<NetName, Record<TermName, number>>>;

/** What a net says of the image that is looked at. */
export interface Answer {
  /** Box logits, a pyramid of one image: level by level [4 · bins, height, width]. */
  logits: Float32Array;
  /** [classes] logits of each location, a pyramid likewise. */
  scores: Float32Array;
  detections: Detections;
}

/** An image, what is known of it, and what the nets say. */
export interface Look {
  image: number;
  /** Images that can be looked at. */
  of: number;
  step: number;
  width: number;
  height: number;
  /** The part of the frame that the image fills, from the top left. */
  filled: { width: number; height: number };
  /** [height, width, 4] */
  rgba: Uint8ClampedArray<ArrayBuffer>;
  /** [G, 4] xyxy pixels, [G] classes */
  boxes: Float32Array;
  labels: Int32Array;
  grid: { strides: readonly number[]; levels: readonly LevelSize[]; centreOffset: number; bins: number };
  /** By location of the image, levels concatenated: object of a positive, −1 elsewhere. */
  matched: ArrayLike<number>;
  /** Likewise: weight in the valuable localization region, 0 outside. */
  valuable: ArrayLike<number>;
  answers: Record<NetName, Answer>;
}

/** How good a net is on images that no training saw. */
export interface Figures {
  AP: number;
  AP50: number;
  /** Mean |expected edge − teacher's| in strides, where the teacher sees an object; null for the teacher. */
  error: number | null;
}

export interface Ready {
  adapter: string;
  classes: string[];
  images: number;
  /** Images that the figures are taken on. */
  validation: number;
  /** Whether these are images of the training too, for want of others. */
  sameImages: boolean;
  /** Whether the teacher is trained along. */
  live: boolean;
  parameters: Record<NetName, number>;
}

/** From the training to the page. */
export type Report =
  | ({ kind: 'ready' } & Ready)
  | CompilationReport
  | { kind: 'steps'; step: number; milliseconds: number; terms: StepTerms[] }
  | ({ kind: 'look' } & Look)
  | { kind: 'figures'; step: number; figures: Partial<Record<NetName, Figures>> }
  | { kind: 'finished'; step: number }
  /** `device`: there is no WebGPU, or it failed; else the files were wrong. */
  | { kind: 'failed'; device: boolean; message: string };
