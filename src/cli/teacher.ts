import type { ImageSource } from '../data/source.js';
import { architectureOf, type DetectorConfig } from '../detector/config.js';
import { distilsClasses } from '../losses/recipe.js';
import {
  cacheOfFolder,
  isTeacherFolder,
  type OnnxTeacherFolder,
  openTeacherFolder,
  readTeacherFolder,
} from '../onnx/folder.js';
import { mapClasses } from '../onnx/mapping.js';
import { recipeOf } from '../onnx/teacher.js';
import type { Device } from '../tensor/device.js';
import { type Checkpoint, detectorOf, loadCheckpoint, restoreDetector } from '../train/checkpoint.js';
import { assertComparable, defaultRemedy, type NetForm } from '../train/comparable.js';
import { InputError } from '../util/error.js';
import type { OpenTeacher, Training } from './training.js';

/** What `--teacher` names, before an adapter is opened. */
export interface FoundTeacher {
  /** What a student takes that is not given. */
  config: Pick<DetectorConfig, 'bins' | 'strides' | 'width' | 'height'>;
  /** Where its outputs are kept unless another folder is given; null: nowhere. */
  cache: string | null;
  /** @throws InputError that says in what student and teacher differ and what to do */
  assertFits(training: Training): void;
  open(device: Device, source: ImageSource): Promise<OpenTeacher>;
}

/**
 * Finds a teacher.
 * @param path a run's folder, one of its .safetensors files, or a folder of `edgewise teach`
 * @throws InputError when it is none of these, or broken
 */
export async function findTeacher(path: string): Promise<FoundTeacher> {
  return (await isTeacherFolder(path)) ? ofFolder(await readTeacherFolder(path)) : ofRun(await loadCheckpoint(path));
}

function ofRun(checkpoint: Checkpoint): FoundTeacher {
  const { file, metadata } = checkpoint;
  const { detector, recipe, classes } = metadata;
  const { features } = architectureOf(detectorOf(checkpoint));
  return {
    config: detector,
    cache: null,
    assertFits: (training) => {
      const owner = `the teacher ${file}`;
      assertFits(training, { owner, config: detector, recipe, classes, featureChannels: features });
    },
    open: async (device) => {
      const teacher = restoreDetector(device, checkpoint, 'average');
      return { teacher, close: async () => teacher.dispose() };
    },
  };
}

function ofFolder(found: OnnxTeacherFolder): FoundTeacher {
  const { folder, mapping, width, height } = found;
  const config = { bins: mapping.bins, strides: mapping.strides, width, height };
  const namesOf = ({ classes }: ImageSource) => classes.map(({ name }) => name);
  return {
    config,
    cache: cacheOfFolder(found),
    assertFits: (training) => {
      const { recipe, data } = training;
      const owner = `the teacher ${folder}`;
      assertFits(training, { owner, config, recipe: recipeOf(mapping), featureChannels: 0 });
      const names = namesOf(data.source);
      const unknown = names.filter((_, i) => mapClasses(mapping, names)[i] === null);
      if (unknown.length > 0 && distilsClasses(recipe)) {
        throw new InputError(
          `recipe ${recipe.name} distils classes, but the teacher ${folder} does not know ${unknown.join(', ')}: the student would learn that there are none. Give a recipe without class distillation, such as main-ld+vlr-ld.`,
        );
      }
    },
    open: async (device, source) => {
      const teacher = await openTeacherFolder(device, found, namesOf(source));
      return { teacher, close: () => teacher.release() };
    },
  };
}

function assertFits({ detector, recipe, data }: Training, teacher: NetForm): void {
  const { classes } = data.source;
  assertComparable({ owner: 'the student', config: detector, recipe, classes }, teacher, (difference) => {
    const { field, own } = difference;
    if (field.includes('.')) return defaultRemedy(difference);
    return `Leave --${field} out to take the teacher's, or train a teacher with --${field} ${own}.`;
  });
}
