import { normalise } from '../data/augment.js';
import type { ImageSource } from '../data/source.js';
import { decode } from '../detector/decode.js';
import type { DetectionNet, NetConfig, NetOutputs } from '../detector/net.js';
import { assignedMaps } from '../losses/headAssign.js';
import type { Recipe } from '../losses/recipe.js';
import { makeGrid } from '../regions/grid.js';
import { uploadTruth } from '../regions/truth.js';
import type { Device } from '../tensor/device.js';
import { Pyramid } from '../tensor/pyramid.js';
import type { Nets } from './cast.js';
import type { Answer, HeadGrid, Look, NetName } from './protocol.js';

/** Boxes of lower scores are not drawn. */
const SCORE = 0.25;

/**
 * What the nets say of an image; `learning` runs a net on its moving average.
 * @param look `recipeOf` what each net learns by: the regions are those of the loss of the student with LD, or of the only one
 */
export async function lookAt(
  device: Device,
  { source, image, recipeOf }: { source: ImageSource; image: number; recipeOf: (name: NetName) => Recipe },
  nets: Nets,
  learning: (name: NetName, work: () => Promise<Answer>) => Promise<Answer>,
): Promise<Omit<Look, 'step'>> {
  const sample = await source.load(image);
  const judge = nets.with ? 'with' : 'without';
  const { config } = nets[judge] ?? nets.without;
  const { width, height, strides, bins, classes } = config;
  const pixels = new Float32Array(3 * width * height);
  const { boxes, labels, ignore } = normalise(sample, config, pixels);
  const uploaded = device.tensor(pixels);
  const input = Pyramid.of(uploaded, 1, 3, [{ width, height }]);
  const filled = { width: sample.width, height: sample.height };

  const recipe = recipeOf(judge);
  const grid = makeGrid({ imageSize: { width, height }, strides, ...recipe.regions });
  const assigned = ({ classLogits, boxLogits }: NetOutputs) =>
    device.tidy(() => {
      const objects = { boxes, labels, images: new Int32Array(labels.length) };
      const ignored = { ignoreBoxes: ignore, ignoreImages: new Int32Array(ignore.length / 4) };
      const truth = uploadTruth(device, { ...objects, ...ignored }, { batch: 1, classes });
      const student = { classLogits: classLogits.value, boxLogits: boxLogits.value };
      const maps = assignedMaps({ recipe, grid, bins }, truth, student);
      // Each read records its copy at once, before `tidy` takes the tensors back.
      return Promise.all([maps.matched.read(), maps.vlr.read()]);
    });
  const answers: Look['answers'] = {};
  let regions: Awaited<ReturnType<typeof assigned>> | undefined;
  for (const [name, net] of Object.entries(nets) as [NetName, DetectionNet][]) {
    answers[name] = await learning(name, () =>
      ask(net, input, { filled, recipe: recipeOf(name) }, async (outputs) => {
        if (name === judge) regions = await assigned(outputs);
      }),
    );
  }
  uploaded.dispose();
  if (!regions) throw new Error('no student was asked');
  const [matched, valuable] = regions;
  return {
    image,
    of: source.length,
    width,
    height,
    filled,
    rgba: rgbaOf(sample.pixels, filled, width, height),
    boxes,
    labels,
    grid: headGridOf(config, recipe),
    matched,
    valuable,
    answers,
  };
}

function headGridOf({ width, height, strides, bins }: NetConfig, { regions }: Recipe): HeadGrid {
  const { levels, centreOffset } = makeGrid({ imageSize: { width, height }, strides, ...regions });
  return { strides, levels, centreOffset, bins };
}

/** @param also what else to do with the outputs, before they go */
async function ask(
  net: DetectionNet,
  input: Pyramid,
  { filled, recipe }: { filled: { width: number; height: number }; recipe: Recipe },
  also: (outputs: NetOutputs) => Promise<void>,
): Promise<Answer> {
  const outputs = net.forward(input, { training: false });
  const { classLogits, boxLogits, features } = outputs;
  try {
    const [[detections], logits, scores] = await Promise.all([
      decode(outputs, net.config, { scoreThreshold: SCORE, imageSizes: [filled], recipe }),
      boxLogits.value.read(),
      classLogits.value.read(),
      also(outputs),
    ]);
    const grid = headGridOf(net.config, recipe);
    return { grid, detections, logits: logits as Float32Array, scores: scores as Float32Array };
  } finally {
    for (const variable of [classLogits, boxLogits, features]) variable?.value.dispose();
  }
}

/** The image at the top left of the frame, transparent beside it. */
function rgbaOf(pixels: Uint8Array, filled: { width: number; height: number }, width: number, height: number) {
  const rgba = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < filled.height; y++) {
    for (let x = 0; x < filled.width; x++) {
      const from = 3 * (y * filled.width + x);
      rgba.set([pixels[from], pixels[from + 1], pixels[from + 2], 255], 4 * (y * width + x));
    }
  }
  return rgba;
}
