import { readJson } from '../data/json.js';
import { faultOfStrides } from '../detector/config.js';
import { InputError } from '../util/error.js';
import { checked } from '../util/schema.js';
import type { OnnxMapping } from './mapping.generated.js';
import isMapping from './mapping.jsonschema';

export type { HeadPart, MappedTensor, OnnxMapping } from './mapping.generated.js';

/** A model, and how its inputs and outputs are to be understood. */
export interface MappedModel {
  /** The file's bytes, with its weights inside. */
  model: Uint8Array;
  /** Of the model. */
  mapping: OnnxMapping;
}

/**
 * Reads and checks a mapping file.
 * @throws InputError that names the file and everything that is wrong
 */
export async function readMapping(file: string): Promise<OnnxMapping> {
  return checkMapping(await readJson(file), file);
}

/**
 * Checks a mapping.
 * @param name of it, for the message
 * @throws InputError that names unknown and missing fields, values out of range, and levels that no tensor or two hold
 */
export function checkMapping(value: unknown, name = 'mapping'): OnnxMapping {
  const about = { file: name, whole: 'a mapping', remedy: 'correct it' };
  const given = checked<OnnxMapping>(value, isMapping, about);
  const fault = faultOfStrides(given.strides);
  if (fault !== null) throw new InputError(`${name}: ${fault}`);
  for (const part of ['classes', 'boxes'] as const) {
    const held = given.tensors.flatMap((tensor) => (tensor.channels.includes(part) ? tensor.strides : []));
    const twice = held.find((stride, i) => held.indexOf(stride) !== i);
    const unknown = held.find((stride) => !given.strides.includes(stride));
    const missing = given.strides.find((stride) => !held.includes(stride));
    if (twice !== undefined)
      throw new InputError(`${name}: two tensors hold the ${part} of stride ${twice}; leave one.`);
    if (unknown !== undefined) {
      throw new InputError(`${name}: a tensor holds stride ${unknown}, which strides (${given.strides}) lacks.`);
    }
    if (missing !== undefined) {
      throw new InputError(`${name}: no tensor holds the ${part} of stride ${missing}; add it to tensors.`);
    }
  }
  const { features, strides } = given;
  if (features && features.length !== strides.length) {
    throw new InputError(
      `${name}: features names ${features.length} tensors for ${strides.length} levels; name one a level.`,
    );
  }
  const several = given.tensors.find(({ axes, strides }) => axes.includes('H') && strides.length > 1);
  if (several) {
    throw new InputError(
      `${name}: ${several.tensor} has the axes ${several.axes}, one map, but ${several.strides.length} strides.`,
    );
  }
  return given;
}

/** How many classes the model tells apart. */
export function classCount({ classes }: OnnxMapping): number {
  return typeof classes === 'number' ? classes : classes.length;
}

/**
 * For each class of the data, the model's channel; null where the model does not know the class.
 * @param names of the data's classes, in their order
 * @throws InputError that names the classes without a counterpart, and entries of `classMap` that fit nothing
 */
export function mapClasses(mapping: OnnxMapping, names: readonly string[]): (number | null)[] {
  const { classes, classMap = {} } = mapping;
  const known = typeof classes === 'number' ? [] : classes;
  const count = classCount(mapping);
  const stray = Object.keys(classMap).filter((name) => !names.includes(name));
  if (stray.length > 0) {
    throw new InputError(`classMap: the data have no class ${stray.join(', ')}; they have ${names.join(', ')}.`);
  }
  const channels = names.map((name) => {
    const target = Object.hasOwn(classMap, name) ? classMap[name] : name;
    return typeof target === 'string' ? known.indexOf(target) : target;
  });
  const lost = names.filter((_, i) => channels[i] === -1);
  if (lost.length > 0) {
    const own = known.length > 0 ? known.join(', ') : `${count} without names`;
    throw new InputError(
      `classMap: the model has no class for ${lost.join(', ')}; its classes are ${own}. ` +
        'Give name or index in classMap, or null for a class that the model does not know.',
    );
  }
  const beyond = channels.find((channel) => channel !== null && channel >= count);
  if (beyond !== undefined) throw new InputError(`classMap: index ${beyond}; the model has ${count} classes, from 0.`);
  const shared = channels.find((channel, i) => channel !== null && channels.indexOf(channel) !== i);
  if (shared !== undefined) {
    throw new InputError(`classMap: two classes of the data map to class ${shared} of the model; each needs its own.`);
  }
  if (channels.every((channel) => channel === null)) {
    throw new InputError('classMap: the model knows none of the classes; it cannot teach.');
  }
  return channels;
}
