import { version } from '../../package.json';
import type { ImageSource } from '../data/source.js';
import type { DetectionNet } from '../detector/net.js';
import { restoreNet } from '../onnx/students.js';
import type { StudyResults } from '../study/types.js';
import type { Device } from '../tensor/device.js';
import { netNameOf } from '../train/checkpoint.js';
import { type Evaluation, evaluate, namedStatistics } from '../train/evaluate.js';
import { DeviceError } from '../util/error.js';
import { chooseScene } from './chooseScene.js';
import { areComparable, distilsLocalization, pickShown } from './pickShown.js';
import type { OpenRun } from './runs.js';
import type { Shown } from './scene.js';
import { storedMeasures } from './stored.js';
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
  /** Images to choose from; fewer take less time. Default 128. */
  candidates?: number;
  onProgress?: (doing: string) => void;
}

/**
 * Everything that a report shows: evaluates what has not been, looks at an image with a teacher, a student without LD and one
 * with it, and gathers the images with most errors.
 * @throws InputError when an image is not there or cannot be read, or the classes are not the detectors'
 */
export async function collect(device: Device, options: CollectOptions): Promise<ReportData> {
  const { source, data, title, study, image, candidates, onProgress = () => undefined } = options;
  const picked = pickShown(options.runs);
  // A study's other runs are in its tables.
  const runs = study ? picked : options.runs;
  const nets = new Map<OpenRun, DetectionNet>();
  const netOf = async (run: OpenRun) => {
    const net = nets.get(run) ?? (await restoreNet(device, run.checkpoint, 'average'));
    nets.set(run, net);
    return net;
  };
  try {
    const teacher = picked.find(({ role }) => role === 'teacher');
    const teacherOf = (run: OpenRun) => {
      const own = runs.find(({ folder }) => folder === run.teacherFolder) ?? teacher;
      return run.role === 'student' && own && areComparable(own, run) ? own : undefined;
    };
    const summaries: RunSummary[] = [];
    const last = picked[picked.length - 1];
    let lastEvaluation: Evaluation | undefined;
    for (const run of runs) {
      const stored = await storedMeasures(run.folder, data.split, source.length);
      if (stored && run !== last) {
        summaries.push(summarize(run, stored));
        continue;
      }
      onProgress(`evaluating ${run.name}`);
      const taughtBy = stored ? undefined : teacherOf(run);
      const found = await evaluate(await netOf(run), {
        source,
        recipe: run.checkpoint.metadata.recipe,
        ...(taughtBy && { teacher: await netOf(taughtBy) }),
      });
      if (!found) throw new DeviceError('The evaluation was interrupted.');
      if (run === last) lastEvaluation = found;
      summaries.push(summarize(run, stored ?? measuresOf(found)));
    }
    const shown: Shown[] = [];
    for (const run of picked) {
      const { recipe } = run.checkpoint.metadata;
      shown.push({ name: run.name, net: await netOf(run), recipe });
    }
    onProgress('choosing an image');
    const scene = await chooseScene(shown, {
      source,
      hasTeacher: teacher !== undefined,
      ...(image !== undefined && { image }),
      ...(candidates !== undefined && { candidates }),
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
      worst: lastEvaluation ? { run: summaryOf(last), images: await worstImages(source, lastEvaluation) } : null,
    };
  } finally {
    for (const net of nets.values()) net.dispose();
  }
}

function measuresOf({ averagePrecision, agreement, calibration }: Evaluation): Measures {
  const { precisionRecall } = averagePrecision;
  return { stats: namedStatistics(averagePrecision), agreement, precisionRecall, calibration };
}

function summarize(run: OpenRun, measures: Measures): RunSummary {
  const { folder, name, role, checkpoint, description, log } = run;
  const { recipe, settings } = checkpoint.metadata;
  const { parameters } = description;
  return {
    folder,
    name,
    role,
    size: netNameOf(checkpoint),
    parameters,
    recipe: recipe.name,
    ld: distilsLocalization(run),
    seed: settings.seed,
    log,
    measures,
  };
}
