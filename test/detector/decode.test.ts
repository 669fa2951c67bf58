import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Variable } from '../../src/autograd/variable.js';
import { type DetectorConfig, detectorConfig } from '../../src/detector/config.js';
import { type DecodeOptions, decode, decodeBoxes } from '../../src/detector/decode.js';
import { resolveRecipe } from '../../src/losses/recipe.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { Random } from '../../src/tensor/random.js';
import { sharedDevice } from '../device.js';
import { integral } from '../reference/bins.js';
import { expectClose } from '../reference/closeTo.js';
import { type DecodeSettings, detect } from '../reference/decode.js';

const device = await sharedDevice();

interface Logits {
  batch: number;
  /** One array a level. */
  classLogits: Float32Array[];
  boxLogits: Float32Array[];
}

/** Normal logits: class logits around `mean`, box logits peaked enough to give boxes of many sizes. */
function draw(config: DetectorConfig, batch: number, seed: number, mean = -3): Logits {
  const random = Random.of(seed);
  const maps = (channels: number, value: () => number) =>
    config.strides.map((stride) => {
      const area = (config.width / stride) * (config.height / stride);
      return Float32Array.from({ length: batch * channels * area }, value);
    });
  return {
    batch,
    classLogits: maps(config.classes, () => mean + 2 * random.normal()),
    boxLogits: maps(4 * config.bins, () => 3 * random.normal()),
  };
}

function upload(config: DetectorConfig, { batch, classLogits, boxLogits }: Logits) {
  const sizes = config.strides.map((stride) => ({ width: config.width / stride, height: config.height / stride }));
  const pyramid = (levels: Float32Array[], channels: number) => {
    const packed = Float32Array.from(levels.flatMap((level) => [...level]));
    return new Variable(Pyramid.of(device.tensor(packed), batch, channels, sizes));
  };
  return {
    classLogits: pyramid(classLogits, config.classes),
    boxLogits: pyramid(boxLogits, 4 * config.bins),
  };
}

/** Compares with the oracle; returns the number of detections. */
async function compare(config: DetectorConfig, logits: Logits, options: DecodeOptions): Promise<number> {
  const found = await decode(upload(config, logits), config, options);
  const recipe = options.recipe ?? resolveRecipe('gfocal');
  const settings: DecodeSettings = {
    ...config,
    batch: logits.batch,
    centreOffset: recipe.regions.centreOffset,
    octaveBaseScale: recipe.regions.octaveScale,
    parameters: recipe.box.parameters,
    projection: options.projection,
    scoreThreshold: options.scoreThreshold ?? 0.05,
    candidates: options.candidates ?? 1000,
    iou: options.iou ?? 0.6,
    maximum: options.maximum ?? 100,
    imageSizes: options.imageSizes ?? Array.from({ length: logits.batch }, () => config),
  };
  const expected = detect(logits, settings);
  expect(found.length).toBe(logits.batch);
  for (const [image, detections] of found.entries()) {
    const truth = expected[image];
    expect([...detections.locations], `locations of image ${image}`).toEqual(truth.map(({ location }) => location));
    expect([...detections.labels]).toEqual(truth.map(({ label }) => label));
    const scores = truth.map(({ score }) => score);
    expectClose(detections.scores, scores, { relative: 1e-6 }, 'scores');
    const boxes = truth.flatMap(({ box }) => [...box]);
    // Pixels; f32 expectations of up to 16 strides of 64 pixels.
    expectClose(detections.boxes, boxes, { absolute: 2e-3 }, 'boxes');
  }
  return found.reduce((sum, { scores }) => sum + scores.length, 0);
}

// The seed is fixed: an IoU within f32 rounding of the limit, which other draws could meet, would be kept by one side only.
test('detections equal those of the float64 oracle', async () => {
  let detections = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        classes: fc.integer({ min: 1, max: 5 }),
        bins: fc.constantFrom(5, 8, 17),
        levels: fc.integer({ min: 1, max: 3 }),
        first: fc.constantFrom(4, 8),
        columns: fc.integer({ min: 1, max: 3 }),
        rows: fc.integer({ min: 1, max: 3 }),
        batch: fc.integer({ min: 1, max: 3 }),
        seed: fc.integer({ min: 0, max: 1e6 }),
      }),
      async ({ classes, bins, levels, first, columns, rows, batch, seed }) => {
        const strides = Array.from({ length: levels }, (_, level) => first * 2 ** level);
        const largest = strides[levels - 1];
        const config = detectorConfig({
          size: 'tiny',
          classes,
          bins,
          strides,
          width: largest * columns,
          height: largest * rows,
        });
        detections += await compare(config, draw(config, batch, seed), {});
      },
    ),
    { numRuns: 25, seed: 5 },
  );
  expect(detections).toBeGreaterThan(100);
});

const config = detectorConfig({ size: 'tiny', classes: 3, width: 96, height: 64 });

test('every option does what the oracle does', async () => {
  const logits = draw(config, 2, 11);
  const imageSizes = [
    { width: 90, height: 33 },
    { width: 70.5, height: 64 },
  ];
  expect(await compare(config, logits, { imageSizes })).toBeGreaterThan(10);
  const all = await compare(config, logits, {});
  const few = await compare(config, logits, { candidates: 2 });
  expect(few).toBeGreaterThan(0);
  expect(few).toBeLessThan(all);
  expect(await compare(config, logits, { maximum: 7 })).toBe(14);
  expect(await compare(config, logits, { scoreThreshold: 0.4, iou: 0.1 })).toBeGreaterThan(5);
  expect(await compare(config, logits, { scoreThreshold: 1 })).toBe(0);
});

test('the recipe says what the bins mean and where the anchor lies', async () => {
  const logits = draw(config, 1, 12);
  for (const recipe of [
    resolveRecipe({ box: { parameters: 'offset' } }),
    resolveRecipe({ box: { parameters: 'offset' }, regions: { centreOffset: 0.5, octaveScale: 4 } }),
    resolveRecipe({ regions: { centreOffset: 0.5 } }),
  ]) {
    expect(await compare(config, logits, { recipe })).toBeGreaterThan(10);
  }
});

test('bins may stand for the values of a table', async () => {
  const logits = draw(config, 1, 12);
  const projection = Array.from({ length: config.bins }, (_, k) => k ** 2 / 32 - 0.5);
  expect(await compare(config, logits, { projection })).toBeGreaterThan(10);
  const outputs = upload(config, logits);
  const offset = resolveRecipe({ box: { parameters: 'offset' } });
  await expect(decode(outputs, config, { projection, recipe: offset })).rejects.toThrow(/^projection: bins of offset/);
  await expect(decode(outputs, config, { projection: [0, 1] })).rejects.toThrow(/^projection: .*a list of 17 values/);
});

test('logits of any size give finite boxes', async () => {
  const logits = draw(config, 1, 13);
  logits.boxLogits = logits.boxLogits.map((level) => level.map((z) => 1e4 * z));
  expect(await compare(config, logits, {})).toBeGreaterThan(10);
});

test('the expected edges are the integrals of the distributions, location by location', async () => {
  const logits = draw(config, 2, 14);
  const { expected, boxes } = decodeBoxes(upload(config, logits).boxLogits.value, config);
  const values = await expected.read();
  expect(boxes.shape).toEqual([2 * (96 + 24 + 6), 4]);
  const oracle: number[] = [];
  for (const level of logits.boxLogits) {
    const area = level.length / (2 * 4 * config.bins);
    for (let image = 0; image < 2; image++) {
      for (let index = 0; index < area; index++) {
        for (let edge = 0; edge < 4; edge++) {
          const first = (image * 4 * config.bins + edge * config.bins) * area + index;
          oracle.push(integral(Array.from({ length: config.bins }, (_, k) => level[first + k * area])));
        }
      }
    }
  }
  expectClose(values, oracle, { absolute: 1e-5 }, 'expected edges');
});

test('wrong input is named', async () => {
  const outputs = upload(config, draw(config, 1, 15));
  const other = detectorConfig({ size: 'tiny', classes: 4, width: 96, height: 64 });
  await expect(decode(outputs, other)).rejects.toThrow(/classLogits: 3 channels; expected 4/);
  await expect(decode(outputs, { ...config, bins: 16 })).rejects.toThrow(/boxLogits: 68 channels; expected 64/);
  await expect(decode(outputs, config, { imageSizes: [config, config] })).rejects.toThrow(
    /imageSizes: 2 sizes for a batch of 1/,
  );
});

test('NaN in a class logit, or in a box that is found, is no detection but an error with the place', async () => {
  const config = detectorConfig({ size: 'tiny', classes: 3, width: 64, height: 64 });
  const broken = async (change: (logits: Logits) => void) => {
    const logits = draw(config, 2, 3);
    change(logits);
    await decode(upload(config, logits), config);
  };
  // Second image, channel 1, row 1, column 3 of stride 16.
  const inClasses = broken(({ classLogits }) => void classLogits[1].set([Number.NaN], 4 * 16 + 7));
  await expect(inClasses).rejects.toThrow(/class logits are NaN at image 1 of the batch, stride 16, row 1, column 3/);
  for (const value of [Number.NaN, Infinity]) {
    const inBoxes = broken(({ classLogits, boxLogits }) => {
      classLogits[2][3] = 5;
      boxLogits[2][3] = value;
    });
    await expect(inBoxes).rejects.toThrow(/box logits are NaN at image 0 of the batch, stride 32, row 1, column 1/);
  }
});
