import { backward, Variable } from '../../autograd/variable.js';
import { architectureOf, type DetectorConfig } from '../../detector/config.js';
import { convolution } from '../../ops/convolution.js';
import { storedAs } from '../../ops/storedAs.js';
import type { Device } from '../../tensor/device.js';
import { Random } from '../../tensor/random.js';
import type { StoredType } from '../../tensor/stored.js';
import type { TrainingWorkloads } from '../../train/workloads.js';

/** A 3×3 window on every pixel. */
const SAME = { strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1] };

/**
 * What `device.tune` measures for students from ONNX models, beside `trainingWorkloads`: depthwise convolutions of the detector's finest maps.
 * @param options `precision`: what the maps are stored in, default f32
 */
export function graphWorkloads(
  device: Device,
  config: DetectorConfig,
  batch: number,
  { precision = 'f32' }: { precision?: StoredType } = {},
): TrainingWorkloads {
  const { features: channels } = architectureOf(config);
  const [stride] = config.strides;
  // Whole quads a row, so that the ways to read can be told apart.
  const [height, width] = [Math.ceil(config.height / stride), 4 * Math.ceil(config.width / stride / 4)];
  const random = Random.of(1);
  const noise = (shape: readonly number[]) => {
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.uniform(-1, 1));
    return device.keep(device.tensor(values, shape));
  };
  const held = {
    input: noise([batch, channels, height, width]),
    weight: noise([channels, 1, 3, 3]),
    incoming: noise([batch, channels, height, width]),
  };
  const run = () => {
    const leaves = [new Variable(held.input, true), new Variable(held.weight, true)] as const;
    const [maps, weight] = [storedAs(leaves[0], precision), leaves[1]];
    const output = storedAs(convolution(maps, weight, null, { ...SAME, groups: channels }), 'f32');
    output.retained = true;
    backward({ variable: output, gradient: held.incoming });
    // A leaf's gradient would outlive the enclosing `tidy`.
    return [output.value, ...leaves.flatMap(({ gradient }) => (gradient ? device.track(gradient) : []))];
  };
  return {
    workloads: [{ name: 'depthwise convolutions', choices: ['depthwise.reads'], run }],
    dispose: () => {
      for (const tensor of Object.values(held)) tensor.dispose();
    },
  };
}
