import { expect, test } from 'vitest';
import { Variable } from '../../src/autograd/variable.js';
import { shapesDataset } from '../../src/data/shapes.js';
import type { ImageSource } from '../../src/data/source.js';
import { detectorConfig } from '../../src/detector/config.js';
import { Detector, type DetectorOutputs } from '../../src/detector/detector.js';
import { resolveRecipe } from '../../src/losses/recipe.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { Random } from '../../src/tensor/random.js';
import type { SizingDevice } from '../../src/tensor/sizing.js';
import { AgreementMeter } from '../../src/train/agreement.js';
import { evaluate } from '../../src/train/evaluate.js';
import type { Teacher } from '../../src/train/teacher.js';
import { sharedDevice } from '../device.js';
import { randomOutputs, uploadOutputs } from '../losses/headCase.js';
import { edgeDistance, softmax } from '../reference/bins.js';
import { gridLevels } from '../reference/grid.js';
import { rebin, type TeacherForm, teacherSizes, teacherViews } from '../reference/rebin.js';
import { readRow } from '../reference/rows.js';

const device = await sharedDevice();

const config = detectorConfig({ size: 'tiny', classes: 3, width: 128, height: 128 });
const sizes = config.strides.map((stride) => ({ height: 128 / stride, width: 128 / stride }));

function outputs(batch: number, classLogits: Float32Array, boxLogits: Float32Array): DetectorOutputs {
  const variable = (values: Float32Array, channels: number) => {
    const pyramid = Pyramid.empty(device, batch, channels, sizes);
    pyramid.write(values);
    return new Variable(pyramid);
  };
  return {
    classLogits: variable(classLogits, 3),
    boxLogits: variable(boxLogits, 4 * config.bins),
    features: variable(new Float32Array(batch * 8 * 336), 8),
  };
}

/** Places a value at (image, level, channel, location) of a flat pyramid. */
function at(batch: number, channels: number, image: number, level: number, channel: number, index: number): number {
  const areas = sizes.map(({ height, width }) => height * width);
  const start = areas.slice(0, level).reduce((sum, area) => sum + area, 0);
  return batch * channels * start + (image * channels + channel) * areas[level] + index;
}

/** The objects of a source at the network's scale, each told by one location, as exactly as bins can. */
async function perfectDetector(source: ImageSource, batch: number, scale: number): Promise<Detector> {
  let next = 0;
  const samples = await Promise.all(Array.from({ length: source.length }, (_, index) => source.load(index)));
  const forward = (): DetectorOutputs => {
    const classLogits = new Float32Array(batch * 3 * 336).fill(-12);
    const boxLogits = new Float32Array(batch * 4 * config.bins * 336);
    const taken = new Set<string>();
    for (let image = 0; image < batch && next < samples.length; image++, next++) {
      const { boxes, labels } = samples[next];
      labels.forEach((label, i) => {
        const [x1, y1, x2, y2] = boxes.subarray(4 * i, 4 * i + 4).map((value) => value * scale);
        const level = [0, 1, 2].find((candidate) => Math.max(x2 - x1, y2 - y1) < 12 * config.strides[candidate])!;
        const stride = config.strides[level];
        let column = Math.min(Math.round((x1 + x2) / 2 / stride), sizes[level].width - 1);
        const row = Math.min(Math.round((y1 + y2) / 2 / stride), sizes[level].height - 1);
        // Two objects of one centre: the neighbour tells the second one.
        while (taken.has(`${image} ${level} ${row} ${column}`)) column += column > 0 ? -1 : 1;
        taken.add(`${image} ${level} ${row} ${column}`);
        const index = row * sizes[level].width + column;
        classLogits[at(batch, 3, image, level, label, index)] = 4;
        const distances = [column - x1 / stride, row - y1 / stride, x2 / stride - column, y2 / stride - row];
        for (const [edge, distance] of distances.entries()) {
          const low = Math.floor(Math.max(0, distance));
          for (let bin = 0; bin < config.bins; bin++) {
            const probability = bin === low ? low + 1 - distance : bin === low + 1 ? distance - low : 0;
            boxLogits[at(batch, 4 * config.bins, image, level, edge * config.bins + bin, index)] = Math.log(
              Math.max(probability, 1e-30),
            );
          }
        }
      });
    }
    return outputs(batch, classLogits, boxLogits);
  };
  // Only what `evaluate` uses of a detector.
  const sizedOn = (sizing: SizingDevice) => new Detector(sizing, config, { seed: 0 });
  return { config, parameters: { device }, forward, sizedOn } as unknown as Detector;
}

// 96×64 images fill the upper part of the network's input; 7 images leave the last batch of 3 unfilled.
test.each([
  { width: 128, height: 128, scale: 1 },
  { width: 96, height: 64, scale: 128 / 96 },
])('a perfect head has an AP of 1 on $width×$height images', async ({ width, height, scale }) => {
  const source = shapesDataset({ count: 7, width, height, seed: 5 });
  const seen: number[] = [];
  const held = device.pool.usedBytes;
  const result = await evaluate(await perfectDetector(source, 3, scale), {
    source,
    batch: 3,
    onProgress: (done) => seen.push(done),
  });
  expect(result?.averagePrecision.stats[0]).toBeCloseTo(1, 6);
  // Two neighbouring bins spread by at most half a stride; the uniform bins of every other location by 4.9.
  const { edges, bins } = result!.calibration;
  expect(edges).toBe(4 * result!.truth.annotations.length);
  for (const { meanSpread, meanError } of bins) {
    expect(meanSpread).toBeLessThanOrEqual(0.5 + 1e-6);
    expect(meanError).toBeLessThan(1e-4);
  }
  expect(bins.at(-1)?.meanSpread).toBeGreaterThan(0.45);
  expect(seen).toEqual([3, 6, 7]);
  expect(device.pool.usedBytes).toBe(held);
});

test('a net that runs elsewhere is evaluated, its bins as it says', async () => {
  const source = shapesDataset({ count: 2, width: 128, height: 128, seed: 5 });
  const perfect = async (recipe: Teacher['recipe']): Promise<Teacher> => {
    const { forward } = await perfectDetector(source, 2, 1);
    const outputs = () => {
      const { classLogits, boxLogits, features } = forward(undefined as never, { training: false });
      return { classLogits: classLogits.value, boxLogits: boxLogits.value, features: features.value };
    };
    const step = { begin: () => undefined, outputs, end: () => undefined };
    const net = { device, config, featureChannels: 0, describe: async () => ({}), prepare: async () => step };
    return recipe ? { ...net, recipe } : net;
  };
  const held = device.pool.usedBytes;
  const right = await evaluate(await perfect(undefined), { source, batch: 2 });
  expect(right?.averagePrecision.stats[0]).toBeCloseTo(1, 6);
  // Half a cell beside every object.
  const shifted = resolveRecipe({ name: 'half', regions: { centreOffset: 0.5 } });
  const wrong = await evaluate(await perfect(shifted), { source, batch: 2 });
  expect(wrong?.averagePrecision.stats[0]).toBeLessThan(0.9);
  const told = await evaluate(await perfect(shifted), { source, batch: 2, recipe: resolveRecipe('gfocal') });
  expect(told?.averagePrecision).toEqual(right?.averagePrecision);
  expect(device.pool.usedBytes).toBe(held);
});

test('an aborted evaluation gives null', async () => {
  const source = shapesDataset({ count: 3, seed: 5 });
  const detector = await perfectDetector(source, 1, 1);
  expect(await evaluate(detector, { source, batch: 1, signal: AbortSignal.abort() })).toBeNull();
});

test('the agreement equals its definition in float64', async () => {
  const random = Random.of(11);
  const batch = 2;
  const draw = (count: number) => Float32Array.from({ length: count }, () => 2 * random.normal() - 1);
  const [ownClasses, taughtClasses] = [draw(batch * 3 * 336), draw(batch * 3 * 336)];
  const [ownBoxes, taughtBoxes] = [draw(batch * 68 * 336), draw(batch * 68 * 336)];
  const student = outputs(batch, ownClasses, ownBoxes);
  const teacher = outputs(batch, taughtClasses, taughtBoxes);
  const meter = new AgreementMeter(config);
  const images = 1; // the second image fills the batch up and does not count
  await meter.add(student, teacher, images);
  const { all, levels } = meter.result();

  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  const expected = (logits: Float32Array, level: number, edge: number, index: number) => {
    const weights = Array.from({ length: 17 }, (_, k) =>
      Math.exp(logits[at(batch, 68, 0, level, edge * 17 + k, index)]),
    );
    const sum = weights.reduce((a, b) => a + b, 0);
    return weights.reduce((total, weight, k) => total + (k * weight) / sum, 0);
  };
  const distribution = (logits: Float32Array, level: number, edge: number, index: number) => {
    const weights = Array.from({ length: 17 }, (_, k) =>
      Math.exp(logits[at(batch, 68, 0, level, edge * 17 + k, index)]),
    );
    const sum = weights.reduce((a, b) => a + b, 0);
    return weights.map((weight) => weight / sum);
  };
  const total = { locations: 0, localization: 0, classification: 0, variation: 0 };
  for (const [level, { height, width }] of sizes.entries()) {
    let [locations, localization, classification, variation] = [0, 0, 0, 0];
    for (let index = 0; index < height * width; index++) {
      const scores = (logits: Float32Array) => [0, 1, 2].map((c) => sigmoid(logits[at(batch, 3, 0, level, c, index)]));
      const [own, taught] = [scores(ownClasses), scores(taughtClasses)];
      if (!(Math.max(...taught) > 0.3)) continue;
      locations++;
      own.forEach((score, c) => {
        classification += Math.abs(score - taught[c]);
      });
      for (let edge = 0; edge < 4; edge++) {
        const gap = expected(ownBoxes, level, edge, index) - expected(taughtBoxes, level, edge, index);
        localization += Math.abs(gap) / 4;
        const q = distribution(taughtBoxes, level, edge, index);
        distribution(ownBoxes, level, edge, index).forEach((p, k) => {
          variation += Math.abs(p - q[k]) / 8;
        });
      }
    }
    expect(levels[level]).toMatchObject({ stride: config.strides[level], locations });
    // Expectations of up to 16 bins in float32.
    expect(levels[level].localizationError).toBeCloseTo(localization / locations, 5);
    expect(levels[level].classificationError).toBeCloseTo(classification / locations, 6);
    total.locations += locations;
    total.localization += localization;
    total.classification += classification;
    total.variation += variation;
    expect(levels[level].totalVariation).toBeCloseTo(variation / locations, 6);
  }
  expect(total.locations).toBeGreaterThan(100);
  expect(all.locations).toBe(total.locations);
  expect(all.localizationError).toBeCloseTo(total.localization / total.locations, 5);
  expect(all.classificationError).toBeCloseTo(total.classification / total.locations, 6);
  expect(all.totalVariation).toBeCloseTo(total.variation / total.locations, 6);
  const itself = new AgreementMeter(config);
  await itself.add(teacher, teacher, batch);
  expect(itself.result().all).toMatchObject({
    localizationError: 0,
    classificationError: 0,
    totalVariation: 0,
  });
});

test('the agreement with a teacher of another head is taken in the bins of the student', async () => {
  const own = { width: 96, height: 64, strides: [8, 16, 64], batch: 2, classes: 3, bins: 9 };
  const form: TeacherForm = { bins: 16, centreOffset: 0.5, strides: [32, 16, 12] };
  const theirs = teacherSizes(own, form);
  const [student, teacher] = [randomOutputs(own, 1, 2), randomOutputs(theirs, 2, 2)];
  const variables = (uploaded: ReturnType<typeof uploadOutputs>) => ({
    classLogits: new Variable(uploaded.classLogits),
    boxLogits: new Variable(uploaded.boxLogits),
  });
  const meter = new AgreementMeter(own, { teacher: form });
  await meter.add(variables(uploadOutputs(device, own, student)), variables(uploadOutputs(device, theirs, teacher)), 2);
  const { levels } = meter.result();

  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  const views = teacherViews(own, 0, form);
  expect(views[2]).toBeNull();
  for (const [l, { anchors }] of gridLevels(own).entries()) {
    const view = views[l];
    let [locations, localization, classification, variation] = [0, 0, 0, 0];
    for (let i = 0; view && i < own.batch * anchors.length; i++) {
      const [image, cell, size] = [Math.floor(i / anchors.length), i % anchors.length, anchors.length];
      const place = (first: number, length: number, channels: number) => ({
        image,
        channels,
        first,
        length,
        size,
        cell,
      });
      const scores = readRow(student.classLogits[l], place(0, 3, 3)).map(sigmoid);
      const wanted = readRow(teacher.classLogits[view.level], view.place(image, cell, 0, 3, 3)).map(sigmoid);
      if (!(Math.max(...wanted) > 0.3)) continue;
      locations++;
      for (const c of [0, 1, 2]) classification += Math.abs(scores[c] - wanted[c]);
      for (const edge of [0, 1, 2, 3]) {
        const row = readRow(student.boxLogits[l], place(9 * edge, 9, 36));
        const taught = readRow(teacher.boxLogits[view.level], view.place(image, cell, 16 * edge, 16, 64));
        localization += Math.abs(edgeDistance(row) - view.position(cell, edge, edgeDistance(taught))) / 4;
        const positions = Array.from(taught, (_, k) => view.position(cell, edge, k));
        const q = rebin(softmax(taught), positions, 9);
        softmax(row).forEach((p, k) => {
          variation += Math.abs(p - q[k]) / 8;
        });
      }
    }
    expect(levels[l].locations).toBe(locations);
    expect(levels[l].localizationError).toBeCloseTo(localization / Math.max(1, locations), 5);
    expect(levels[l].classificationError).toBeCloseTo(classification / Math.max(1, locations), 6);
    expect(levels[l].totalVariation).toBeCloseTo(variation / Math.max(1, locations), 6);
  }
});
