import { version } from '../../package.json';
import type { ImageSource } from '../data/source.js';
import type { Detector } from '../detector/detector.js';
import { DeviceError, InputError } from '../gpu/error.js';
import type { StudyResults } from '../study/results.js';
import type { Device } from '../tensor/device.js';
import { restoreDetector } from '../train/checkpoint.js';
import { type Evaluation, evaluate, namedStatistics } from '../train/evaluate.js';
import { chooseScene } from './chooseScene.js';
import type { OpenRun } from './runs.js';
import type { Shown } from './scene.js';
import type { Measures, ReportData, RunSummary } from './types.js';
import { worstImages } from './worstImages.js';

export interface CollectOptions {
  runs: readonly OpenRun[];
  source: ImageSource;
  data: { name: string; split: string };
  title: string;
  study: StudyResults | null;
  /** Id of the image to show instead of the chosen one. */
  image?: number;
  onProgress?: (doing: string) => void;
}

/**
 * Everything that a report shows: evaluates what has not been, looks at an image with a teacher, a student without LD and one
 * with it, and gathers the images with most errors.
 * @throws InputError when an image is not there or cannot be read, or the classes are not the detectors'
 */
export async function collect(device: Device, options: CollectOptions): Promise<ReportData> {
  const { source, data, title, study, image, onProgress = () => undefined } = options;
  const picked = pickShown(options.runs);
  // A study's other runs are in its tables.
  const runs = study ? picked : options.runs;
  const detectors = new Map<OpenRun, Detector>();
  const detectorOf = (run: OpenRun) => {
    const detector = detectors.get(run) ?? restoreDetector(device, run.checkpoint, 'average');
    detectors.set(run, detector);
    return detector;
  };
  try {
    const teacher = picked.find(({ role }) => role === 'teacher');
    const summaries: RunSummary[] = [];
    let last: Evaluation | undefined;
    for (const run of runs) {
      onProgress(`evaluating ${run.name}`);
      const found = await evaluate(detectorOf(run), {
        source,
        recipe: run.checkpoint.metadata.recipe,
        ...(teacher && run.role === 'student' && { teacher: detectorOf(teacher) }),
      });
      if (!found) throw new DeviceError('The evaluation was interrupted.');
      if (run === picked[picked.length - 1]) last = found;
      summaries.push(summarize(run, measuresOf(found)));
    }
    const shown = picked.map((run): Shown => {
      const { recipe } = run.checkpoint.metadata;
      return { name: run.name, detector: detectorOf(run), recipe };
    });
    onProgress('choosing an image');
    const scene = await chooseScene(shown, {
      source,
      hasTeacher: teacher !== undefined,
      ...(image !== undefined && { image }),
    });
    const summaryOf = (run: OpenRun) => summaries[runs.indexOf(run)];
    return {
      title,
      date: new Date().toISOString().slice(0, 10),
      version,
      data: { ...data, images: source.length, classes: source.classes.map(({ name }) => name) },
      runs: summaries,
      shown: picked.map(summaryOf),
      scene,
      study,
      worst: last ? { run: summaryOf(picked[picked.length - 1]), images: await worstImages(source, last) } : null,
    };
  } finally {
    for (const detector of detectors.values()) detector.dispose();
  }
}

function measuresOf({ averagePrecision, agreement }: Evaluation): Measures {
  return { stats: namedStatistics(averagePrecision), agreement, precisionRecall: null, calibration: null };
}

function summarize({ folder, name, role, checkpoint, description, log }: OpenRun, measures: Measures): RunSummary {
  const { detector, recipe, settings } = checkpoint.metadata;
  const { parameters } = description;
  const ld = distilsLocalization(checkpoint.metadata);
  return {
    folder,
    name,
    role,
    size: detector.size,
    parameters,
    recipe: recipe.name,
    ld,
    seed: settings.seed,
    log,
    measures,
  };
}

function distilsLocalization({ recipe: { ld } }: OpenRun['checkpoint']['metadata']): boolean {
  return ld.main > 0 || ld.vlr > 0;
}

/**
 * The teacher, the best student without LD and the best one with it, as far as they share the first's grid; without a
 * teacher the first runs, three at most.
 */
export function pickShown(runs: readonly OpenRun[]): OpenRun[] {
  if (runs.length === 0) throw new InputError('runs: none is given; give the folder of one at least.');
  const gridOf = ({ checkpoint: { metadata } }: OpenRun) => {
    const { bins, strides, width, height } = metadata.detector;
    return JSON.stringify([
      bins,
      strides,
      width,
      height,
      metadata.recipe.box.parameters,
      metadata.recipe.regions.centreOffset,
    ]);
  };
  const same = runs.filter((run) => gridOf(run) === gridOf(runs[0]));
  if (runs[0].role !== 'teacher') return same.slice(0, 3);
  const best = (isDistilled: boolean) =>
    same
      .filter((run) => run.role === 'student' && distilsLocalization(run.checkpoint.metadata) === isDistilled)
      .reduce<OpenRun[]>((kept, run) => (kept[0] && lastAp(kept[0]) >= lastAp(run) ? kept : [run]), []);
  return [runs[0], ...best(false), ...best(true)];
}

function lastAp({ log }: OpenRun): number {
  return log.flatMap(({ evaluation }) => (evaluation ? [evaluation.AP] : [])).at(-1) ?? -1;
}
