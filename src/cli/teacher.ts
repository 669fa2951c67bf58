import { extname } from 'node:path';
import type { ImageSource } from '../data/source.js';
import { architectureOf, type DetectorConfig } from '../detector/config.js';
import { distilsClasses } from '../losses/recipe.js';
import { cacheOfFolder, isTeacherFolder, readTeacherFolder, readTeacherModel } from '../onnx/folder.js';
import { mapClasses } from '../onnx/mapping.js';
import { restoreNet } from '../onnx/students.js';
import { OnnxTeacher, recipeOf } from '../onnx/teacher.js';
import type { Device } from '../tensor/device.js';
import type { StoredType } from '../tensor/stored.js';
import { type Checkpoint, detectorOf, loadCheckpoint } from '../train/checkpoint.js';
import { assertComparable, defaultRemedy, type NetForm } from '../train/comparable.js';
import { InputError } from '../util/error.js';
import type { Data } from './data.js';
import { type FoundModel, findModel } from './onnxModel.js';
import type { OpenTeacher, Training } from './training.js';

/** What `--teacher` names, before an adapter is opened. */
export interface FoundTeacher {
  /** What a student takes that is not given. */
  config: Pick<DetectorConfig, 'bins' | 'strides' | 'width' | 'height'>;
  /** Where its outputs are kept unless another folder is given; null: nowhere. */
  cache: string | null;
  /** @throws InputError that says in what student and teacher differ and what to do */
  assertFits(training: Training): void;
  /** @param precision of a run's maps; default: its training's, where the adapter has it */
  open(device: Device, source: ImageSource, precision?: StoredType): Promise<OpenTeacher>;
}

/**
 * Finds a teacher that is not an .onnx file.
 * @param path a run's folder, one of its .safetensors files, or a folder of `edgewise teach`
 * @throws InputError when it is none of these, or broken
 */
export async function findTeacher(path: string): Promise<FoundTeacher> {
  if (!(await isTeacherFolder(path))) return ofRun(await loadCheckpoint(path));
  const found = await readTeacherFolder(path);
  return ofModel(found, path, cacheOfFolder(found), () => readTeacherModel(path));
}

/** Whether a teacher is an .onnx file, which `findOnnxTeacher` finds. */
export function isOnnx(path: string, mapping: string | null | undefined): boolean {
  return typeof mapping === 'string' || extname(path) === '.onnx';
}

/**
 * Finds a teacher that is an .onnx file; it computes its outputs as they are needed.
 * @param size of the student's images, where that is known; default: the model's own, or the data's
 * @throws InputError when file or mapping is missing or wrong
 */
export async function findOnnxTeacher(
  path: string,
  mapping: string | null | undefined,
  data: Pick<Data, 'width' | 'height'>,
  size: { width?: number | undefined; height?: number | undefined },
): Promise<FoundTeacher> {
  if (typeof mapping !== 'string') {
    throw new InputError(
      `--teacher ${path}: an .onnx file needs --teacher-mapping FILE, which says what its tensors are.`,
    );
  }
  const found = await findModel(path, mapping, data, size);
  return ofModel(found, path, null, async () => found);
}

function ofRun(checkpoint: Checkpoint): FoundTeacher {
  const { file, metadata } = checkpoint;
  const { detector, student, recipe, classes } = metadata;
  return {
    config: detector,
    cache: null,
    assertFits: (training) => {
      const owner = `the teacher ${file}`;
      // Those of an ONNX model are known once it is open.
      const featureChannels = student ? {} : { featureChannels: architectureOf(detectorOf(checkpoint)).features };
      assertFits(training, { owner, config: detector, recipe, classes, ...featureChannels });
    },
    open: async (device, _source, precision) => {
      const teacher = await restoreNet(device, checkpoint, 'average', precision);
      return { teacher, close: async () => teacher.dispose() };
    },
  };
}

/** @param read the model's bytes; of a folder only when it is opened */
function ofModel(
  { mapping, width, height }: Omit<FoundModel, 'model' | 'name'>,
  path: string,
  cache: string | null,
  read: () => Promise<Pick<FoundModel, 'model' | 'name'>>,
): FoundTeacher {
  const config = { bins: mapping.bins, strides: mapping.strides, width, height };
  const namesOf = ({ classes }: ImageSource) => classes.map(({ name }) => name);
  return {
    config,
    cache,
    assertFits: (training) => {
      const { recipe, data } = training;
      const owner = `the teacher ${path}`;
      assertFits(training, { owner, config, recipe: recipeOf(mapping), featureChannels: 0 });
      const names = namesOf(data.source);
      const unknown = names.filter((_, i) => mapClasses(mapping, names)[i] === null);
      if (unknown.length > 0 && distilsClasses(recipe)) {
        throw new InputError(
          `recipe ${recipe.name} distils classes, but the teacher ${path} does not know ${unknown.join(', ')}: the student would learn that there are none. Give a recipe without class distillation, such as main-ld+vlr-ld.`,
        );
      }
    },
    open: async (device, source) => {
      const options = { mapping, width, height, classes: namesOf(source), ...(await read()) };
      const teacher = await OnnxTeacher.open(device, options);
      return { teacher, close: () => teacher.release() };
    },
  };
}

function assertFits({ detector, student, recipe, data }: Training, teacher: NetForm): void {
  const { classes } = data.source;
  assertComparable({ owner: 'the student', config: detector, recipe, classes }, teacher, (difference) => {
    const { field, own } = difference;
    if (field.includes('.')) return defaultRemedy(difference);
    if (student)
      return 'Take files that were exported for one size, or give --width and --height where one leaves it open.';
    return `Leave --${field} out to take the teacher's, or train a teacher with --${field} ${own}.`;
  });
}
