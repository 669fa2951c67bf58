import type { ImageSource } from '../data/source.js';
import type { DetectorConfig } from '../detector/config.js';
import type { Recipe } from '../losses/recipe.js';
import {
  cacheOfFolder,
  isTeacherFolder,
  type OnnxTeacherFolder,
  openTeacherFolder,
  readTeacherFolder,
} from '../onnx/folder.js';
import { mapClasses } from '../onnx/mapping.js';
import type { Device } from '../tensor/device.js';
import { type Checkpoint, loadCheckpoint, restoreDetector } from '../train/checkpoint.js';
import { InputError } from '../util/error.js';
import { assertClassesOf } from './data.js';
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
  const { box, regions } = metadata.recipe;
  const meaning = { parameters: box.parameters, centreOffset: regions.centreOffset };
  return {
    config: metadata.detector,
    cache: null,
    assertFits: (training) => {
      assertClassesOf(checkpoint, training.data);
      assertSameShape(file, metadata.detector, training);
      assertSameMeaning(file, meaning, training.recipe);
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
      assertSameShape(folder, config, training);
      assertSameMeaning(folder, { parameters: 'ltrb', centreOffset: mapping.centreOffset }, recipe);
      const names = namesOf(data.source);
      const unknown = names.filter((_, i) => mapClasses(mapping, names)[i] === null);
      if (unknown.length > 0 && (recipe.kd.main > 0 || recipe.kd.vlr > 0)) {
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

/** Distillation compares location with location and bin with bin. */
function assertSameShape(file: string, teacher: FoundTeacher['config'], { detector }: Training): void {
  for (const name of ['bins', 'strides', 'width', 'height'] as const) {
    const [student, taught] = [String(detector[name]), String(teacher[name])];
    if (student === taught) continue;
    throw new InputError(
      `${name}: ${student} for the student, ${taught} for the teacher ${file}; both need the same. ` +
        `Leave --${name} out to take the teacher's, or train a teacher with --${name} ${student}.`,
    );
  }
}

/** A bin has to mean the same in both. */
function assertSameMeaning(
  file: string,
  { parameters, centreOffset }: Pick<Recipe['box'], 'parameters'> & Pick<Recipe['regions'], 'centreOffset'>,
  { name, box, regions }: Recipe,
): void {
  if (box.parameters !== parameters) {
    throw new InputError(
      `recipe ${name}: box.parameters is ${box.parameters}; the bins of the teacher ${file} mean ${parameters}. Give a recipe with box.parameters ${parameters}.`,
    );
  }
  if (regions.centreOffset !== centreOffset) {
    throw new InputError(
      `recipe ${name}: regions.centreOffset is ${regions.centreOffset}; the teacher ${file} measures from ${centreOffset}. Give a recipe file with "regions": {"centreOffset": ${centreOffset}}.`,
    );
  }
}
