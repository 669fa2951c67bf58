import { InferenceSession, Tensor } from 'onnxruntime-web';
import { expect, test } from 'vitest';
import { IMAGE_DEVIATION, IMAGE_MEAN } from '../../src/data/augment.js';
import { type DetectorConfig, detectorConfig } from '../../src/detector/config.js';
import { decodeBoxes } from '../../src/detector/decode.js';
import { Detector } from '../../src/detector/detector.js';
import { type PartialRecipe, resolveRecipe } from '../../src/losses/recipe.js';
import { exportOnnx } from '../../src/onnx/export.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { Random } from '../../src/tensor/random.js';
import { sharedDevice } from '../device.js';

const device = await sharedDevice();

const CLASSES = ['one', 'two', 'three'].map((name, id) => ({ id, name }));

/** A detector whose every parameter, norms and level scales too, is drawn at random. */
async function randomDetector(config: DetectorConfig) {
  const detector = new Detector(device, config, { seed: 1 });
  const { parameters } = detector;
  const random = Random.of(7);
  const values = (await parameters.values.read()) as Float32Array;
  const drawn = values.map((value) => value + 0.2 * random.normal() * (value === 0 ? 0.5 : Math.abs(value) + 0.1));
  const weights = parameters.split(drawn);
  parameters.values.write(parameters.join(weights));
  return { detector, weights };
}

function randomImages(batch: number, { width, height }: DetectorConfig): Float32Array {
  const random = Random.of(3);
  return Float32Array.from({ length: batch * 3 * height * width }, () => Math.round(random.uniform(0, 255)));
}

/** What training feeds the network: ImageNet's mean and deviation taken out. */
function normalise(images: Float32Array, { width, height }: DetectorConfig): Float32Array {
  return images.map((value, i) => {
    const channel = Math.floor(i / (width * height)) % 3;
    return (value - IMAGE_MEAN[channel]) / IMAGE_DEVIATION[channel];
  });
}

/** The largest difference, where 1 is 1e-4 relative or absolute. */
function worst(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let most = 0;
  for (let i = 0; i < expected.length; i++) {
    most = Math.max(most, Math.abs(actual[i] - expected[i]) / (1e-4 * Math.max(1, Math.abs(expected[i]))));
  }
  return most;
}

const OFFSETS = { box: { parameters: 'offset' }, regions: { centreOffset: 0.5, octaveScale: 4 } } as const;

test.each([
  ['tiny', { width: 64, height: 96 }, {}, {}],
  ['small', { width: 96, height: 64 }, { bins: 8 }, {}],
  ['base', { width: 64, height: 64 }, {}, {}],
  ['tiny', { width: 128, height: 64 }, { strides: [8, 16, 32, 64], bins: 9 }, OFFSETS],
  ['tiny', { width: 48, height: 32 }, { strides: [4, 8, 16] }, {}],
] as [DetectorConfig['size'], { width: number; height: number }, Partial<DetectorConfig>, PartialRecipe][])(
  '%s, %o, %o: ONNX Runtime gives the logits, boxes and scores of our own forward pass',
  async (size, extent, rest, given) => {
    const config = detectorConfig({ size, classes: 3, ...extent, ...rest });
    const recipe = resolveRecipe(given);
    const { detector, weights } = await randomDetector(config);
    const model = await exportOnnx({ detector: config, recipe, classes: CLASSES, weights });
    const session = await InferenceSession.create(model);

    // The batch is open.
    for (const batch of [1, 2]) {
      const pixels = randomImages(batch, config);
      const given = new Tensor('float32', pixels, [batch, 3, config.height, config.width]);
      const found = await session.run({ images: given });
      const values = (name: string) => found[name].data as Float32Array;

      const input = device.tensor(normalise(pixels, config));
      const outputs = detector.forward(Pyramid.of(input, batch, 3, [extent]), { training: false });
      const { boxes, expected } = decodeBoxes(outputs.boxLogits.value, config, recipe);
      const classLogits = await outputs.classLogits.value.read();
      const boxLogits = await outputs.boxLogits.value.read();
      const corners = await boxes.read();

      let locations = 0;
      for (const [level, { offset, height, width }] of outputs.classLogits.value.levels.entries()) {
        const stride = config.strides[level];
        const area = height * width;
        const { dims } = found[`class_logits_${stride}`];
        expect(dims).toEqual([batch, 3, height, width]);
        const ownClasses = classLogits.subarray(offset, offset + batch * 3 * area);
        expect(worst(values(`class_logits_${stride}`), ownClasses)).toBeLessThan(1);
        const first = outputs.boxLogits.value.levels[level].offset;
        const ownBoxes = boxLogits.subarray(first, first + batch * 4 * config.bins * area);
        expect(worst(values(`box_logits_${stride}`), ownBoxes)).toBeLessThan(1);

        // [level, image, cell] of ours is [image, level, cell] there.
        const total = outputs.classLogits.value.locations;
        for (let image = 0; image < batch; image++) {
          const row = 4 * (batch * locations + image * area);
          const start = 4 * (image * total + locations);
          const [own, theirs] = [
            corners.subarray(row, row + 4 * area),
            values('boxes').subarray(start, start + 4 * area),
          ];
          expect(worst(theirs, own)).toBeLessThan(1);
          const scores = values('scores').subarray(3 * (image * total + locations));
          for (let cell = 0; cell < area; cell++) {
            for (let c = 0; c < 3; c++) {
              const logit = classLogits[offset + (image * 3 + c) * area + cell];
              expect(Math.abs(scores[3 * cell + c] - 1 / (1 + Math.exp(-logit)))).toBeLessThan(1e-4);
            }
          }
        }
        locations += area;
      }
      expect(found.boxes.dims).toEqual([batch, locations, 4]);
      expect(found.scores.dims).toEqual([batch, locations, 3]);
      for (const tensor of [boxes, expected, input]) tensor.dispose();
      for (const { value } of Object.values(outputs)) value.dispose();
    }
    await session.release();
    detector.dispose();
  },
);

test('a missing weight and one of another shape are named', async () => {
  const config = detectorConfig({ size: 'tiny', classes: 3, width: 32, height: 32 });
  const { detector, weights } = await randomDetector(config);
  const whole = { detector: config, recipe: resolveRecipe('gfocal'), classes: CLASSES };
  const without = new Map([...weights].filter(([name]) => name !== 'backbone.stem1.norm.scale'));
  await expect(exportOnnx({ ...whole, weights: without })).rejects.toThrow(/backbone.stem1.norm.scale is nothing/);
  const other = { ...whole, detector: { ...config, classes: 4 }, weights };
  await expect(exportOnnx(other)).rejects.toThrow(/head.classLogits.weight is shape \[3,24,1,1\].*\[4,24,1,1\]/);
  detector.dispose();
});
