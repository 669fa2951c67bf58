import { expect, test } from 'vitest';
import { Loader } from '../../src/data/loader.js';
import { shapesDataset } from '../../src/data/shapes.js';
import type { ImageSource } from '../../src/data/source.js';
import { detectorConfig } from '../../src/detector/config.js';
import { Detector } from '../../src/detector/detector.js';
import { assignmentStatistics, type ClassAssignment } from '../../src/eval/assignmentStatistics.js';
import { HeadLoss } from '../../src/losses/headLoss.js';
import { resolveRecipe } from '../../src/losses/recipe.js';
import { uploadTruth } from '../../src/regions/truth.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { sharedDevice } from '../device.js';
import { assignAtss } from '../reference/atss.js';
import type { Box } from '../reference/boxes.js';

const device = await sharedDevice();

const imageSize = { width: 96, height: 96 };
const strides = [8, 16, 32];
const statistics = (source: ImageSource, octaveScale = 8) =>
  assignmentStatistics(device, { source, imageSize, strides, recipe: resolveRecipe({ regions: { octaveScale } }) });

/** The same from the float64 oracle, image by image. */
async function expected(source: ImageSource, octaveBaseScale: number): Promise<ClassAssignment[]> {
  const found = source.classes.map(({ name }) => ({
    name,
    sides: [] as number[],
    unassigned: 0,
    positives: [0, 0, 0],
  }));
  for (let image = 0; image < source.length; image++) {
    const { boxes: flat, labels } = await source.load(image);
    const boxes = Array.from(labels, (_, i) => Array.from(flat.subarray(4 * i, 4 * i + 4)) as unknown as Box);
    const { truthIndex, levels } = assignAtss({ ...imageSize, strides, octaveBaseScale, boxes, labels: [...labels] });
    for (const [object, [x1, y1, x2, y2]] of boxes.entries()) {
      const own = found[labels[object]];
      own.sides.push(Math.sqrt((x2 - x1) * (y2 - y1)));
      const counts = levels.map(({ first, width, height }) =>
        truthIndex.subarray(first, first + width * height).reduce((n, index) => n + Number(index === object), 0),
      );
      for (const [level, n] of counts.entries()) own.positives[level] += n;
      if (counts.every((n) => n === 0)) own.unassigned++;
    }
  }
  return found.map(({ sides, ...rest }) => {
    const sorted = sides.sort((a, b) => a - b);
    const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]];
    return { ...rest, objects: sides.length, side: (low + high) / 2 };
  });
}

test('every class, object and level as the oracle assigns them, also in a batch that is not full', async () => {
  const source = shapesDataset({ count: 19, ...imageSize, seed: 5 });
  for (const octaveScale of [3, 8]) {
    const found = await statistics(source, octaveScale);
    const wanted = await expected(source, octaveScale);
    expect(found).toEqual(wanted.map((one) => ({ ...one, side: expect.closeTo(one.side, 4) })));
    expect(found.reduce((sum, { positives }) => sum + positives[0], 0)).toBeGreaterThan(0);
  }
});

test('images without objects and classes without any are zeros', async () => {
  const one = await shapesDataset({ count: 1, ...imageSize, seed: 1 }).load(0);
  const empty = { ...one, boxes: new Float32Array(0), labels: new Int32Array(0) };
  const source = { length: 2, classes: [{ id: 1, name: 'none' }], load: async () => empty };
  const none = { name: 'none', objects: 0, side: 0, unassigned: 0, positives: [0, 0, 0] };
  expect(await statistics(source)).toEqual([none]);
});

test('a source that knows its objects without decoding is not decoded; sizes, batches and ignored regions come out the same', async () => {
  const drawn = shapesDataset({ count: 70, width: 64, height: 128, seed: 3 });
  const region = (index: number) => new Float32Array(index % 2 === 0 ? [0, 0, 64, 64] : []);
  const decoded = {
    ...drawn,
    load: async (index: number) => ({ ...(await drawn.load(index)), ignore: region(index) }),
  };
  const all = await Promise.all(Array.from({ length: 70 }, (_, index) => decoded.load(index)));
  const done: number[] = [];
  const known: ImageSource = {
    ...decoded,
    load: () => expect.unreachable(),
    objects: (index) => all[index],
  };
  const recipe = resolveRecipe({ regions: { octaveScale: 3, ignoreIofThreshold: 0.5 } });
  const options = { imageSize, strides, recipe };
  const onProgress = (count: number, of: number) => done.push(count / of);
  const found = await assignmentStatistics(device, { ...options, source: known, onProgress });
  expect(found).toEqual(await assignmentStatistics(device, { ...options, source: decoded }));
  expect(found.reduce((sum, { objects }) => sum + objects, 0)).toBe(
    all.reduce((sum, { labels }) => sum + labels.length, 0),
  );
  expect(done.at(-1)).toBe(1);
});

test('more objects than one batch may have', async () => {
  const one = await shapesDataset({ count: 1, ...imageSize, seed: 1 }).load(0);
  const crowded = {
    ...one,
    boxes: new Float32Array(4 * 33_000).map((_, i) => (i % 4) * 10),
    labels: new Int32Array(33_000),
  };
  const source = { length: 2, classes: [{ id: 1, name: 'many' }], load: async () => crowded };
  expect((await statistics(source))[0].objects).toBe(66_000);
});

test('other assigners: what the head loss makes of the same predictions, image by image', async () => {
  const recipe = resolveRecipe('yolov8');
  const model = new Detector(device, detectorConfig({ size: 'tiny', classes: 3, ...imageSize }), { seed: 2 });
  const source = shapesDataset({ count: 9, ...imageSize, seed: 5 }); // a batch, and one that is not full
  const done: number[] = [];
  const options = { source, imageSize, strides, recipe, model };
  const found = await assignmentStatistics(device, { ...options, onProgress: (n) => done.push(n) });
  expect(done).toEqual([8, 9]);

  const loss = new HeadLoss(device, { ...model.config, imageSize, batch: 1, recipe });
  const loader = new Loader(source, {
    batch: 1,
    ...imageSize,
    seed: 0,
    augment: false,
    shuffle: false,
    dropLast: false,
  });
  const positives = source.classes.map(() => [0, 0, 0]);
  for await (const { images, boxes, labels, imageIndex } of loader.batches(0)) {
    const matched = await device.tidy(() => {
      const truth = uploadTruth(device, { boxes, labels, images: imageIndex }, { batch: 1, classes: 3 });
      const outputs = model.forward(Pyramid.of(device.tensor(images), 1, 3, [imageSize]), { training: false });
      const student = { classLogits: outputs.classLogits.value, boxLogits: outputs.boxLogits.value };
      return loss.evaluate({ student, truth }).regions().matched.read();
    });
    let location = 0;
    for (const [level, area] of loss.grid.areas.entries()) {
      for (const end = location + area; location < end; location++) {
        if (matched[location] >= 0) positives[labels[matched[location]]][level]++;
      }
    }
  }
  model.dispose();
  expect(found.map((one) => one.positives)).toEqual(positives);
  expect(positives.flat().reduce((a, b) => a + b)).toBeGreaterThan(9);
  expect(found.reduce((sum, { objects }) => sum + objects, 0)).toBeGreaterThan(9);

  const { model: _, ...without } = options;
  await expect(assignmentStatistics(device, without)).rejects.toThrow(
    /^model: recipe yolov8 assigns by task-aligned, .* \(edgewise regions --model RUN\)\.$/,
  );
  await expect(assignmentStatistics(device, { ...options, strides: [8, 16] })).rejects.toThrow(
    /^model: its input is 96×96 and its strides are 8,16,32, .* 96×96 and 8,16; give/,
  );
  const given = resolveRecipe({ name: 'own', regions: { assigner: 'given' } });
  await expect(assignmentStatistics(device, { ...options, recipe: given })).rejects.toThrow(/assigner is given/);
});
