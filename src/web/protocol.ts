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

/** An ONNX model of the visitor's, and the file that says where its head is. */
export interface GivenModel {
  model: DroppedFile;
  mapping: DroppedFile;
  /** Files that may hold weights of the model. */
  beside: readonly DroppedFile[];
}

/** By whose losses a dropped model learns: shipped recipes of heads, and the weight that LD has with each. */
export const HEADS = {
  gfocal: 0.25,
  nanodet: 0.25,
  'nanodet-plus': 0.25,
  picodet: 0.5,
  ppyoloe: 0.5,
  yolov8: 1.5,
} as const;
export type Head = keyof typeof HEADS;

/** A dropped model that is to learn, and how. */
export interface StudentChoice extends GivenModel {
  head: Head;
  /** Whether its classes are replaced by the data's. */
  newClasses: boolean;
  learningRate: number;
  steps: number;
  /** Pixels of a side of its images, where the file leaves that open. */
  side: number;
}

/** What of `StudentChoice` the page begins with. */
export const STUDENT_DEFAULTS = {
  head: 'gfocal',
  newClasses: false,
  learningRate: 1e-3,
  steps: 500,
  side: 320,
} as const satisfies Partial<StudentChoice>;

/**
 * Shipped: has learned the shapes before; live: learns along; none: only the student without LD learns, a dropped model; else a dropped
 * model teaches.
 */
export type TeacherChoice = 'shipped' | 'live' | 'none' | GivenModel;

/** From the page to the training. */
export type Command =
  | {
      kind: 'start';
      /** Null: the built-in shapes. */
      files: DroppedFile[] | null;
      /** Null: both students are detectors of this package. Needs `files`. */
      student: StudentChoice | null;
      teacher: TeacherChoice;
      seed: number;
      distillation: Distillation;
    }
  | { kind: 'distil'; distillation: Distillation }
  | { kind: 'pause'; paused: boolean }
  | { kind: 'save'; name: StudentName }
  | { kind: 'look'; image: number };

/** Losses of a step by net: each term summed over the levels, weights included. The teacher's are there where it learns. */
export type StepTerms = Partial<Record<NetName, Record<TermName, number>>>;

/** The locations of a net's head. */
export interface HeadGrid {
  strides: readonly number[];
  levels: readonly LevelSize[];
  centreOffset: number;
  bins: number;
}

/** What a net says of the image that is looked at. */
export interface Answer {
  grid: HeadGrid;
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
  /** Of the students. */
  grid: HeadGrid;
  /** By location of that grid, levels concatenated: object of a positive, −1 elsewhere. */
  matched: ArrayLike<number>;
  /** Likewise: weight in the valuable localization region, 0 outside. */
  valuable: ArrayLike<number>;
  /** Of the nets that there are. */
  answers: Partial<Record<NetName, Answer>>;
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
  /** Of the nets that there are. */
  parameters: Partial<Record<NetName, number>>;
  /** Of a dropped model, in place of detectors of this package. */
  student: string | null;
  /** Pixels of the images, as the nets see them. */
  size: { width: number; height: number };
  /** Of the training. */
  steps: number;
  /** What of the teacher's head is brought into the student's; null for nothing. */
  notice: string | null;
}

/** From the training to the page. */
export type Report =
  | ({ kind: 'ready' } & Ready)
  | CompilationReport
  | { kind: 'steps'; step: number; milliseconds: number; terms: StepTerms[] }
  | ({ kind: 'look' } & Look)
  | { kind: 'figures'; step: number; figures: Partial<Record<NetName, Figures>> }
  /** A dropped model with what it has learned so far, and the mapping that it goes with. */
  | { kind: 'saved'; name: StudentName; step: number; model: Uint8Array<ArrayBuffer>; mapping: object }
  | { kind: 'finished'; step: number }
  /** `device`: there is no WebGPU, or it failed; else the files were wrong. */
  | { kind: 'failed'; device: boolean; message: string };
