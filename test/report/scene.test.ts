import { expect, test } from 'vitest';
import { Loader } from '../../src/data/loader.js';
import { shapesDataset } from '../../src/data/shapes.js';
import { detectorConfig } from '../../src/detector/config.js';
import { Detector } from '../../src/detector/detector.js';
import { HeadLoss } from '../../src/losses/headLoss.js';
import { resolveRecipe } from '../../src/losses/recipe.js';
import { uploadTruth } from '../../src/regions/truth.js';
import { viewScene } from '../../src/report/scene.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { sharedDevice } from '../device.js';

const device = await sharedDevice();

test('the regions are those that the last detector’s head loss uses', async () => {
  const size = { width: 64, height: 64 };
  const config = detectorConfig({ size: 'tiny', classes: 3, strides: [8, 16], ...size });
  const source = shapesDataset({ count: 2, ...size, seed: 4 });
  const recipe = resolveRecipe('yolov8');
  const [first, last] = [1, 2].map((seed) => new Detector(device, config, { seed }));
  const shown = [
    { name: 'first', net: first, recipe },
    { name: 'last', net: last, recipe },
  ];
  const { regions } = await viewScene(shown, { source, index: 1, rule: '', hasTeacher: false });
  expect(regions).toMatchObject({ run: 'last', assigner: 'task-aligned', vlr: 'none', centreOffset: 0.5 });

  const loss = new HeadLoss(device, { ...config, imageSize: size, batch: 1, recipe });
  const loader = new Loader(source, { batch: 1, ...size, seed: 0, augment: false, shuffle: false, dropLast: false });
  const batches = [];
  for await (const batch of loader.batches(0)) batches.push(batch);
  const { images, boxes, labels, imageIndex } = batches[1];
  const used = (net: Detector) =>
    device.tidy(() => {
      const truth = uploadTruth(device, { boxes, labels, images: imageIndex }, { batch: 1, classes: 3 });
      const outputs = net.forward(Pyramid.of(device.tensor(images), 1, 3, [size]), { training: false });
      const student = { classLogits: outputs.classLogits.value, boxLogits: outputs.boxLogits.value };
      return loss.evaluate({ student, truth }).regions().matched.read();
    });
  const drawn = regions.levels.flatMap(({ main }) => main);
  const mainOf = async (net: Detector) => Array.from(await used(net), (object) => object >= 0);
  expect(drawn).toEqual(await mainOf(last));
  expect(drawn).not.toEqual(await mainOf(first));
  expect(drawn).toContain(true);
  for (const net of [first, last]) net.dispose();
});
