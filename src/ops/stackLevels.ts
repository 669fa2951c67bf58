import { Variable } from '../autograd/variable.js';
import { Pyramid } from '../tensor/pyramid.js';
import { InputError } from '../util/error.js';

/**
 * Joins maps into one pyramid with all their levels, in order, so that a head that they share runs once.
 * @throws InputError when the inputs differ in batch or channels, or are none
 */
export function stackLevels(inputs: Variable<Pyramid>[]): Variable<Pyramid> {
  if (inputs.length === 0) throw new InputError('stackLevels: give at least one map.');
  const values = inputs.map(({ value }) => value);
  const { device, batch, channels } = values[0];
  for (const value of values) {
    if (value.batch !== batch || value.channels !== channels) {
      throw new InputError(
        `stackLevels: maps of ${batch} images × ${channels} channels and of ${value.batch} × ${value.channels}; they must be the same.`,
      );
    }
  }
  const levels = values.flatMap((value) => value.levels);
  const stacked = Pyramid.empty(device, batch, channels, levels);
  const starts: number[] = [];
  let start = 0;
  for (const value of values) {
    starts.push(start);
    device.copy(value.range.buffer, value.offset, stacked.buffer, stacked.offset + 4 * start, 4 * value.size);
    start += value.size;
  }
  return Variable.from(stacked, inputs, (incoming) =>
    values.map((value, index) => {
      if (!inputs[index].requiresGradient) return null;
      const part = Pyramid.empty(device, batch, channels, value.levels);
      const from = incoming.offset + 4 * starts[index];
      device.copy(incoming.range.buffer, from, part.buffer, part.offset, 4 * value.size);
      return part;
    }),
  );
}
