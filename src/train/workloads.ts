import { backward, Variable } from '../autograd/variable.js';
import { architectureOf, type DetectorConfig, detectorConfig } from '../detector/config.js';
import { convolutionsOf } from '../detector/detector.js';
import { assertBatchFits } from '../detector/fits.js';
import type { Convolution } from '../detector/layers.js';
import { HeadLoss } from '../losses/headLoss.js';
import { resolveRecipe } from '../losses/recipe.js';
import { convolutionShape } from '../ops/conv2d.js';
import { ConvolutionInput, convolve, inputGradient } from '../ops/convolve.js';
import { groupNorm } from '../ops/groupNorm.js';
import { storedAs } from '../ops/storedAs.js';
import { biasGradient, weightGradient } from '../ops/weightGradient.js';
import { uploadTruth } from '../regions/truth.js';
import type { Device } from '../tensor/device.js';
import { openedDevice } from '../tensor/deviceArgument.js';
import { Pyramid } from '../tensor/pyramid.js';
import { Random } from '../tensor/random.js';
import { assertStores, type StoredType } from '../tensor/stored.js';
import { Tensor } from '../tensor/tensor.js';
import type { Workload } from '../tensor/tune.js';
import { integer, oneOf, optional, options as optionsOf } from '../util/argument.js';
import { sizesOf, stepNeeds } from './fits.js';
import { DEFAULT_SETTINGS } from './settings.js';

/** Objects an image: as many as in COCO on average. */
const BOXES = 7;
const GROUP = 8;
/** With every pass of the head loss: LD and KD, on the main region and the VLR. */
const RECIPE = 'main-kd+main-ld+vlr-ld';
/** A probability of 0.01. */
const INITIAL_CLASS_LOGIT = -4.6;

const OPTIONS = optionsOf({ precision: optional(oneOf('f32', 'f16')) });

/** Random tensors, which live until the workloads are disposed. */
interface Draw {
  random: Random;
  /** Uniform within 1 of the mean, 0 unless given. */
  noise: (shape: readonly number[], mean?: number) => Tensor;
  /** Maps at these strides. */
  maps: (channels: number, at: readonly number[], mean?: number) => Pyramid;
}

/** The workloads of a training step, and the memory that they hold. */
export interface TrainingWorkloads {
  /** For `device.tune`. */
  workloads: Workload[];
  /** Frees the random values that they run on. */
  dispose(): void;
}

/**
 * What `device.tune` measures for a detector, on random values: convolutions, gradients of their weights, norms and head loss.
 * @param batch images a step
 * @param options `precision`: what the maps of convolutions and norms are stored in, default f32
 * @throws InputError when the batch is too large for the device
 * @throws DeviceError where the device has no f16
 */
export function trainingWorkloads(
  device: Device,
  given: DetectorConfig,
  batch: number,
  options: { precision?: StoredType } = {},
): TrainingWorkloads {
  const config = detectorConfig(given);
  openedDevice('device', device);
  integer(1)('batch', batch);
  OPTIONS('options', options);
  const { precision = 'f32' } = options;
  assertStores(device, precision);
  const recipe = resolveRecipe(RECIPE);
  const teacher = { config, featureChannels: architectureOf(config).features };
  const needs = stepNeeds(device, {
    net: sizesOf(config, precision),
    recipe,
    settings: { ...DEFAULT_SETTINGS, precision },
    teacher,
  });
  assertBatchFits(device, 'a training step', config, batch, needs);
  const random = Random.of(1);
  const held: Tensor[] = [];
  const noise = (shape: readonly number[], mean = 0) => {
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => mean + random.uniform(-1, 1));
    const tensor = device.keep(device.tensor(values, shape));
    held.push(tensor);
    return tensor;
  };
  const maps = (channels: number, at: readonly number[], mean = 0) => {
    const sizes = at.map((cell) => ({
      height: Math.ceil(config.height / cell),
      width: Math.ceil(config.width / cell),
    }));
    const locations = sizes.reduce((sum, { height, width }) => sum + height * width, 0);
    return Pyramid.of(noise([batch * channels * locations], mean), batch, channels, sizes);
  };

  const stored = (channels: number, at: readonly number[]) => {
    const drawn = maps(channels, at);
    const { value } = storedAs(new Variable(drawn), precision);
    if (value === drawn) return value;
    held.push(device.keep(value));
    drawn.dispose();
    return value;
  };

  const convolutions = distinct(convolutionsOf(config)).map(({ inputs, outputs, kernel, stride, at, bias }) => {
    // A 1×1 convolution of stride 2 is stride 1 on every second pixel.
    const own: 1 | 2 = kernel === 1 ? 1 : (stride ?? 1);
    const input = stored(
      inputs,
      at.map((cell) => cell / own),
    );
    const { shape, sizes } = convolutionShape(input, { outputs, kernel, stride: own });
    const weight = noise([outputs, inputs, kernel, kernel]);
    return { input, weight, shape, sizes, incoming: stored(outputs, at), isBiased: bias !== undefined };
  });
  const biased = convolutions.filter(({ isBiased }) => isBiased);
  // Convolutions without a bias have a norm.
  const norms = distinct(convolutionsOf(config).filter(({ bias }) => bias === undefined)).map(({ outputs, at }) => ({
    input: stored(outputs, at),
    incoming: maps(outputs, at),
    scale: noise([outputs], 1),
    shift: noise([outputs]),
  }));
  const head = headLoss(device, config, batch, { noise, maps, random });
  held.push(...Object.values(head.truth).filter((value) => value instanceof Tensor));

  const workloads: Workload[] = [
    {
      name: 'convolutions',
      choices: ['convolution.kernel', 'tile.workgroup', 'convolution.weights'],
      run: () =>
        convolutions.flatMap(({ input, weight, shape, sizes, incoming }) => {
          const output = Pyramid.empty(device, batch, shape.outputs, sizes, precision);
          const read = new ConvolutionInput(input, shape);
          convolve(read, weight, null, output, shape);
          read.dispose();
          return [output, inputGradient(incoming, weight, input, shape)];
        }),
    },
    {
      name: 'gradients of the weights',
      choices: ['weightGradient.kernel', 'weightGradient.incoming', 'weightGradient.invocations'],
      run: () =>
        convolutions.flatMap(({ input, weight, shape, incoming }) => {
          const read = new ConvolutionInput(input, shape);
          const gradient = weightGradient(incoming, read, weight, shape);
          read.dispose();
          return gradient ?? [];
        }),
    },
    {
      name: 'gradients of the biases',
      choices: ['reduction.workgroup'],
      run: () => biased.flatMap(({ shape, incoming }) => biasGradient(incoming, shape) ?? []),
    },
    {
      name: 'norms',
      choices: ['norm.workgroups', 'reduction.workgroup'],
      run: () =>
        norms.flatMap(({ input, incoming, scale, shift }) => {
          const leaves = [new Variable(input, true), new Variable(scale, true), new Variable(shift, true)] as const;
          const normed = groupNorm(...leaves, { groups: scale.size / GROUP });
          normed.retained = true;
          // A seed is f32.
          backward({ variable: storedAs(normed, 'f32'), gradient: incoming });
          // A leaf's gradient would outlive the enclosing `tidy`.
          return [normed.value, ...leaves.flatMap(({ gradient }) => (gradient ? device.track(gradient) : []))];
        }),
    },
    {
      name: 'head loss',
      choices: [
        'stream.planes',
        'stream.turns',
        'rows.workgroups',
        'lists.workgroups',
        'terms.workgroups',
        'bins.loops',
      ],
      run: () => {
        const { terms, gradients } = head.evaluate();
        return [terms, gradients.classLogits, gradients.boxLogits];
      },
    },
  ];
  return {
    workloads,
    dispose: () => {
      for (const tensor of held) tensor.dispose();
    },
  };
}

function headLoss(device: Device, config: DetectorConfig, batch: number, { maps, random }: Draw) {
  const { classes, bins, strides, width, height } = config;
  const imageSize = { width, height };
  const loss = new HeadLoss(device, { classes, bins, strides, imageSize, batch, recipe: RECIPE });
  const outputs = () => ({
    classLogits: maps(classes, strides, INITIAL_CLASS_LOGIT),
    boxLogits: maps(4 * bins, strides),
  });
  const [student, teacher] = [outputs(), outputs()];
  const images = Array.from({ length: batch * BOXES }, (_, i) => Math.floor(i / BOXES));
  const boxes = images.flatMap(() => {
    const [w, h] = [random.uniform(0.1, 0.5) * width, random.uniform(0.1, 0.5) * height];
    const [x, y] = [random.uniform(0, width - w), random.uniform(0, height - h)];
    return [x, y, x + w, y + h];
  });
  const labels = images.map(() => Math.floor(random.uniform(0, classes)));
  const truth = uploadTruth(device, { boxes, labels, images }, { batch, classes });
  return { truth, evaluate: () => loss.evaluate({ student, teacher, truth }) };
}

/** Layers of the same shape take the same time. */
function distinct(convolutions: readonly Convolution[]): Convolution[] {
  const found = new Map(
    convolutions.map((one) => {
      const { inputs, outputs, kernel, stride, at, bias } = one;
      return [JSON.stringify([inputs, outputs, kernel, stride, at, bias === undefined]), one];
    }),
  );
  return [...found.values()];
}
