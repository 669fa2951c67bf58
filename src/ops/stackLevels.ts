import { emptyLike, emptyMaps } from '../autograd/sum.js';
import { Variable } from '../autograd/variable.js';
import type { Pyramid } from '../tensor/pyramid.js';
import { InputError } from '../util/error.js';

/**
 * Joins maps into one pyramid with all their levels, in order, so that a head that they share runs once.
 * @throws InputError when the inputs differ in batch, channels or type, are none, or are of f16 and an odd number of elements
 */
export function stackLevels(inputs: Variable<Pyramid>[]): Variable<Pyramid> {
  if (inputs.length === 0) throw new InputError('stackLevels: give at least one map.');
  const values = inputs.map(({ value }) => value);
  const { device, batch, channels, type } = values[0];
  for (const value of values) {
    if (value.batch !== batch || value.channels !== channels) {
      throw new InputError(
        `stackLevels: maps of ${batch} images × ${channels} channels and of ${value.batch} × ${value.channels}; they must be the same.`,
      );
    }
  }
  // Copies are of whole words.
  if (values.some((value) => value.type !== type || (type === 'f16' && value.size % 2 !== 0))) {
    const kinds = values.map((value) => `${value.size} elements of ${value.type}`).join(', ');
    throw new InputError(`stackLevels: maps of ${kinds}; they must be of one type, those of f16 of even numbers.`);
  }
  const levels = values.flatMap((value) => value.levels);
  const stacked = emptyMaps(values[0], channels, levels);
  const starts: number[] = [];
  let start = 0;
  for (const value of values) {
    starts.push(start);
    device.copy(value.range.buffer, value.offset, stacked.buffer, stacked.offset + start, value.bytes);
    start += value.bytes;
  }
  return Variable.from(stacked, inputs, (incoming) =>
    values.map((value, index) => {
      if (!inputs[index].requiresGradient) return null;
      const part = emptyLike(value);
      const from = incoming.offset + starts[index];
      device.copy(incoming.range.buffer, from, part.buffer, part.offset, value.bytes);
      return part;
    }),
  );
}
