import { join } from 'node:path';
import { readJson } from '../data/json.js';
import type { DetectionNet } from '../detector/net.js';
import type { PrecisionRecall } from '../eval/averagePrecision.js';
import type { EdgeCalibration } from '../eval/edgeCalibration.js';
import { writeWhole } from '../util/atomicFile.js';
import { InputError } from '../util/error.js';
import { checked } from '../util/schema.js';
import type { Agreement } from './agreement.js';
import { type EvaluateOptions, evaluate, namedStatistics } from './evaluate.js';
import isMeasures from './measures.jsonschema';
import type { Teacher } from './teacher.js';

/** The file in a run's folder. */
export const MEASURES = 'measures.json';

/** AP of one class, at all thresholds and at two; −1 without ground truth. */
export interface ClassMeasures {
  /** Mean over IoU 0.5, 0.55 … 0.95. */
  AP: number;
  /** At IoU 0.5. */
  AP50: number;
  /** At IoU 0.75. */
  AP75: number;
}

/** Everything that is measured of a run on one split of its data. Plain JSON. */
export interface RunMeasures {
  /** Name of the part of the data. */
  split: string;
  /** How many. */
  images: number;
  /** COCO's twelve figures by name; −1 where one is not defined. */
  stats: Record<string, number>;
  /** By the classes' names. */
  perClass: Record<string, ClassMeasures>;
  /** Precision against recall of each class. */
  precisionRecall: PrecisionRecall;
  /** Null without a teacher. */
  agreement: Agreement | null;
  /** Of `ltrb` boxes; no edges where the bins mean offsets from an anchor. */
  calibration: EdgeCalibration;
}

/**
 * Measures a net on a source, and how far it is from its teacher where one is given.
 * @param options `recipe`: of a detector's training, for the meaning of its bins; `split`: name of the source
 * @returns null when it was aborted
 * @throws InputError as `evaluate`
 */
export async function measureRun(
  net: DetectionNet | Teacher,
  { split, ...options }: EvaluateOptions & { split: string },
): Promise<RunMeasures | null> {
  const found = await evaluate(net, options);
  if (!found) return null;
  const { averagePrecision, agreement, calibration, truth } = found;
  const { precisionRecall, perClass } = averagePrecision;
  const classes = Object.entries(perClass).map(([name, AP]) => {
    const curves = precisionRecall.classes.find((one) => one.name === name);
    return [name, { AP, AP50: mean(curves?.at50), AP75: mean(curves?.at75) }];
  });
  return {
    split,
    images: truth.images.length,
    stats: namedStatistics(averagePrecision),
    perClass: Object.fromEntries(classes) as Record<string, ClassMeasures>,
    precisionRecall,
    agreement,
    calibration,
  };
}

/** Writes a run's measures, whole or not at all. @param name default `measures.json` @throws DeviceError when it cannot be written */
export async function writeMeasures(folder: string, measures: RunMeasures, name: string = MEASURES): Promise<void> {
  await writeWhole(join(folder, name), `${JSON.stringify(measures)}\n`);
}

/** Reads a run's `measures.json`. @throws InputError when there is none, or it is not one of `writeMeasures` */
export async function readMeasures(folder: string): Promise<RunMeasures> {
  const file = join(folder, MEASURES);
  const remedy = 'write it again: edgewise evaluate --measures';
  const measures = checked<RunMeasures>(await readJson(file), isMeasures, { file, whole: 'measures', remedy });
  const { recall, classes } = measures.precisionRecall;
  const cut = classes.find(({ at50, at75 }) => at50.length !== recall.length || at75.length !== recall.length);
  if (cut) throw new InputError(`${file}: the precisions of ${cut.name} are not one for each recall; ${remedy}.`);
  return measures;
}

function mean(values: readonly number[] | undefined): number {
  return values ? values.reduce((sum, value) => sum + value, 0) / values.length : -1;
}
