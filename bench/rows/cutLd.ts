import { Variable } from '../../src/autograd/variable.js';
import { conv2d } from '../../src/ops/conv2d.js';
import { scaleLevels } from '../../src/ops/scaleLevels.js';
import type { Device } from '../../src/tensor/device.js';
import { noise, noiseMaps } from '../noise.js';
import type { Row } from '../row.js';
import { makeScene, type SceneSize } from '../scene.js';

/**
 * The box branches' last layer of both nets and the head loss, with the gradients of features, weight, bias and scales: once
 * with the logits of all locations, once with those of the listed ones (Cut LD).
 */
export function cutLdRows(name: string, size: SceneSize & { channels: number }): Row[] {
  const { batch, classes, bins, channels } = size;
  const what = `head loss and the last layer of both box branches, ${channels} to ${4 * bins} channels, with all gradients`;
  const row = (form: 'dense' | 'listed', how: string): Row => ({
    name: `${name}-${form}`,
    what: `${what}: logits of ${how}`,
    prepare: (device) => {
      const { headLoss, input } = makeScene(device, size);
      const { levels, locations } = headLoss.grid;
      const layer = () => ({
        features: noiseMaps(device, { batch, channels, levels }),
        weight: noise(device, [4 * bins, channels, 1, 1], -0.2, 0.2),
        bias: noise(device, [4 * bins]),
        levelScales: noise(device, [levels.length], 0.5, 1.5),
      });
      const [own, taught] = [layer(), layer()];
      const { teacher = input.student, truth } = input;
      const listed = () =>
        headLoss
          .evaluate({
            student: { ...input.student, boxLogits: own },
            teacher: { ...teacher, boxLogits: taught },
            truth,
          })
          .dispose();
      const dense = () => {
        const logitsOf = ({ features, weight, bias, levelScales }: typeof own, learns: boolean) => {
          const raw = conv2d(new Variable(features, learns), new Variable(weight, learns), new Variable(bias, learns));
          return { raw, logits: scaleLevels(raw, new Variable(levelScales, learns)) };
        };
        const boxLogits = logitsOf(taught, false).logits.value;
        const { raw, logits } = logitsOf(own, true);
        const result = headLoss.evaluate({
          student: { ...input.student, boxLogits: logits.value },
          teacher: { ...teacher, boxLogits },
          truth,
        });
        // Not `backward`, which copies what arrives at a leaf.
        const [incoming] = logits.pullback?.(result.gradients.boxLogits) ?? [];
        if (incoming) raw.pullback?.(incoming);
        result.dispose();
      };
      const record = form === 'listed' ? listed : dense;
      const outputs = [classes, channels].map((width) => batch * locations * width);
      return { record, bytes: null, copy: null, flop: null, scratchBytes: scratchOf(device, outputs, record) };
    },
  });
  return [row('dense', 'all locations'), row('listed', 'the listed locations')];
}

/** Bytes of the pool that a work takes beyond its outputs. */
function scratchOf(device: Device, outputs: readonly number[], work: () => void): number {
  const heldBytes = (make: () => void) => {
    device.tidy(make);
    return device.pool.heldBytes;
  };
  const withOutputs = heldBytes(() => {
    for (const length of outputs) device.empty([length]);
  });
  return heldBytes(work) - withOutputs;
}
