import { basename } from 'node:path';
import type { Command } from 'commander';
import type { NetConfig } from '../detector/net.js';
import { priorOf } from '../detector/prior.js';
import type { Recipe } from '../losses/recipe.js';
import { openStudent } from '../onnx/students.js';
import type { Device } from '../tensor/device.js';
import { recipeOfNet } from '../train/netRecipe.js';
import { type TrainSettings, trainSettings } from '../train/settings.js';
import type { GivenStudent } from '../train/student.js';
import type { Data } from './data.js';
import { findModel } from './onnxModel.js';
import type { TrainingOptions } from './trainingOptions.js';

/** An ONNX model that is to learn, before an adapter is opened. */
export interface FoundStudent {
  /** Without `.onnx`, for the run's folder. */
  name: string;
  /** Its head, and the classes of the data. */
  config: NetConfig;
  /** The recipe with its centre offset. @throws InputError where its boxes are not distances */
  recipeFor(recipe: Recipe): Recipe;
  /** Opens it on a device. @throws InputError as `GraphStudent.open` */
  open(device: Device, recipe: Recipe, settings: Partial<TrainSettings>): Promise<GivenStudent>;
}

/** Options of a detector of this package, which a model fixes itself or has not got. */
const OF_DETECTORS = ['size', 'bins', 'strides', 'init', 'initParts'];

/** A usage error for options that say nothing to an ONNX model, or that lack it. */
export function checkStudent(command: Command, { student, mapping, newClasses }: TrainingOptions): void {
  if (student === undefined) {
    const [alone] = [...(mapping === undefined ? [] : ['--mapping']), ...(newClasses ? ['--classes'] : [])];
    if (alone !== undefined) command.error(`error: ${alone} needs --student, the ONNX model that is to learn`);
    return;
  }
  if (mapping === undefined) {
    command.error('error: --student needs --mapping, the file that says where the head of the model is (docs/onnx.md)');
  }
  const stray = OF_DETECTORS.find((name) => command.getOptionValueSource(name) === 'cli');
  const flag = stray?.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  if (flag) command.error(`error: --${flag} does not go with --student: size, head and first weights are the model's`);
}

/**
 * Finds the model of `--student`.
 * @returns null where the student is a detector of edgewise
 * @throws InputError that names the file and what is wrong
 */
export async function findStudent(
  { student, mapping: mappingFile, newClasses, width, height }: TrainingOptions,
  data: Data,
): Promise<FoundStudent | null> {
  if (student === undefined || mappingFile === undefined) return null;
  const found = await findModel(student, mappingFile, data, { width, height });
  const classes = data.source.classes.map((one) => one.name);
  const { bins, strides, centreOffset } = found.mapping;
  const config = { classes: classes.length, bins, strides, width: found.width, height: found.height };
  return {
    name: basename(student).replace(/\.onnx$/, ''),
    config,
    recipeFor: (recipe) => recipeOfNet({ centreOffset }, recipe),
    open: (device, recipe, settings) => {
      const { batch, seed, precision } = trainSettings(settings);
      const fresh = { newClasses: newClasses === true, seed, prior: priorOf(recipe, config) };
      return openStudent(device, { ...found, classes, batch, precision, ...fresh });
    },
  };
}
