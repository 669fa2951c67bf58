import type { Recipe } from '../losses/recipe.js';
import type { StudyResults } from '../study/types.js';
import type { LogEntry } from '../train/logEntry.js';
import type { RunMeasures } from '../train/measures.js';

/** x1, y1, x2, y2 in pixels of the original image. */
export type Box = readonly [number, number, number, number];

/** What a run is in a comparison; `detector` where there is no teacher. */
export type Role = 'teacher' | 'student' | 'detector';

/** How good a run is on the evaluated split. */
export type Measures = Pick<RunMeasures, 'stats' | 'agreement' | 'precisionRecall' | 'calibration'>;

/** A trained detector as the report names and compares it. */
export interface RunSummary {
  folder: string;
  /** Unique among the runs of a report. */
  name: string;
  role: Role;
  size: string;
  parameters: number;
  recipe: string;
  /** Whether it distils localization (LD), in any region. */
  ld: boolean;
  seed: number;
  log: LogEntry[];
  measures: Measures;
}

/** A detection with the distributions that it was decoded from. */
export interface EdgeBox {
  box: Box;
  /** Class index. */
  label: number;
  score: number;
  /** Of the location it was decoded from, in pixels of the original image. */
  centre: readonly [number, number];
  /** Pixels of the original image a bin: the level's stride over the image's scale. */
  step: number;
  /** [4][bins] probabilities of left, top, right, bottom: bin k lies k steps from the centre. */
  edges: number[][];
}

/** A map over the cells of a level. */
export interface LevelMap {
  stride: number;
  width: number;
  height: number;
  /** [height · width], row-major */
  values: number[];
}

/** What a detector says of the picture. */
export interface View {
  run: string;
  boxes: EdgeBox[];
  /** Mean over the edges of |E[its edge] − E[the teacher's]| in strides, per level; null for the teacher. */
  errors: LevelMap[] | null;
}

/** What a run's head loss makes of the picture: who learns, and where its recipe has the VLR. */
export interface RegionMaps {
  run: string;
  assigner: Recipe['regions']['assigner'];
  vlr: Recipe['regions']['vlr'];
  gamma: number;
  /** Of a location, in cells from its cell's top-left corner. */
  centreOffset: number;
  levels: {
    stride: number;
    width: number;
    height: number;
    /** Cell of the main region (a positive of the assigner). */
    main: boolean[];
    /** Weight of the VLR, the anchor's IoU with its box; 0 outside. */
    valuable: number[];
  }[];
}

export interface Picture {
  id: number;
  name: string;
  width: number;
  height: number;
  /** data:image/jpeg;base64,… */
  href: string;
  /** Pixels of the network's input to one of the image. */
  scale: number;
}

export interface LabelledBox {
  box: Box;
  label: number;
}

/** One image of the evaluated split with everything that the figures draw on it. */
export interface Scene {
  picture: Picture;
  /** Why this image. */
  rule: string;
  bins: number;
  truth: LabelledBox[];
  views: View[];
  regions: RegionMaps;
}

/** A detection or an object of one of the worst images, and what is wrong with it. */
export interface Mistake {
  /** `missed`: an object that nothing finds; `false`: a detection of nothing; `badly`: one that overlaps an object by 0.1 to 0.5. */
  kind: 'missed' | 'false' | 'badly';
  box: Box;
  label: number;
}

/** An image with what a detector gets wrong on it. */
export interface WorstImage {
  picture: Picture;
  mistakes: Mistake[];
  /** Detections that are right. */
  right: LabelledBox[];
}

/** Everything that a report shows. */
export interface ReportData {
  title: string;
  /** YYYY-MM-DD */
  date: string;
  version: string;
  data: { name: string; split: string; images: number; classes: string[] };
  /** Teachers first. */
  runs: RunSummary[];
  /** Those of `runs` that look at pictures: a teacher where there is one, a student without LD and one with it. */
  shown: RunSummary[];
  scene: Scene;
  /** Where the report is of a study. */
  study: StudyResults | null;
  worst: { run: RunSummary; images: WorstImage[] } | null;
}
