import { expect, test } from 'vitest';
import { ParameterStore } from '../../src/autograd/parameters.js';
import { backwardByLeaf, Variable } from '../../src/autograd/variable.js';
import { sumGradients } from '../../src/train/sumGradients.js';
import { sharedDevice } from '../device.js';

const device = await sharedDevice();

/** Parameters of these sizes; the names are their places. */
function store(sizes: readonly number[]): ParameterStore {
  const declarations = sizes.map((size, i) => {
    return { name: String(i), shape: [size], decay: true, initial: new Float32Array(size).fill(i + 1) };
  });
  return new ParameterStore(device, declarations);
}

test('pieces are whole parameters, follow each other and are the whole store', () => {
  for (const count of [1, 2, 3, 9]) {
    const parameters = store([100, 3, 700, 64, 1, 300]);
    const pieces = parameters.pieces(count);
    expect(pieces.flatMap(({ variables }) => variables)).toEqual(parameters.names.map((name) => parameters.get(name)));
    let end = parameters.gradients.offset;
    for (const { variables, gradients } of pieces) {
      expect(gradients.offset).toBe(end);
      expect(variables[0].gradient?.offset).toBe(end);
      end += 4 * gradients.size;
    }
    expect(end).toBe(parameters.gradients.offset + 4 * parameters.gradients.size);
    expect(pieces.length).toBeLessThanOrEqual(count);
    parameters.dispose();
  }
});

test('a piece goes out after the last of its parameters, and not before the next one is whole', () => {
  const size = 2 ** 15;
  const parameters = store([size, size / 2, size / 2, size]);
  const leaves = parameters.names.map((name) => parameters.get(name));
  const done = [3, 2, 0, 1].map((name) => leaves[name]);
  const sent = [...sumGradients([parameters], done)].map(({ own, later = false }) => [own.offset, later]);
  expect(sent).toEqual([
    [leaves[3].gradient?.offset, true],
    [leaves[0].gradient?.offset, true],
    [leaves[1].gradient?.offset, false],
  ]);
  parameters.dispose();
});

test('a gradient goes out when its piece is whole: the last layers first, and the update waits for the last', async () => {
  const size = 2 ** 15;
  const parameters = store([size, size, size]);
  const [first, middle, last] = parameters.names.map((name) => parameters.get(name));
  // The middle one takes no part, so its piece goes out at the end.
  const leaf = (of: Variable) => Variable.from(device.tensor([1]), [of], () => [device.zeros([size])]);
  const output = Variable.from(device.tensor([1]), [leaf(first), leaf(last)], (gradient) => [gradient, gradient]);
  const seen = [...backwardByLeaf({ variable: output })];
  expect(new Set(seen)).toEqual(new Set([first, last]));
  const sent = [...sumGradients([parameters], [last, first])].map(({ own, later = false }) => [own.offset, later]);
  expect(sent).toEqual([
    [last.gradient?.offset, true],
    [first.gradient?.offset, true],
    [middle.gradient?.offset, false],
  ]);
  parameters.dispose();
});
