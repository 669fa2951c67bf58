import { normalise } from '../data/augment.js';
import type { ImageSource } from '../data/source.js';
import { decode } from '../detector/decode.js';
import type { Detector, DetectorOutputs } from '../detector/detector.js';
import { assignedMaps } from '../losses/headAssign.js';
import type { Recipe } from '../losses/recipe.js';
import { makeGrid } from '../regions/grid.js';
import { uploadTruth } from '../regions/truth.js';
import type { Device } from '../tensor/device.js';
import { Pyramid } from '../tensor/pyramid.js';
import type { Answer, Look, NetName } from './protocol.js';

/** Boxes of lower scores are not drawn. */
const SCORE = 0.25;

/**
 * What the nets say of an image; `learning` runs a net on its moving average.
 * @param look `recipe` is the one by which the student with LD learns: the regions are those of its loss
 */
export async function lookAt(
  device: Device,
  { source, image, recipe }: { source: ImageSource; image: number; recipe: Recipe },
  nets: Record<NetName, Detector>,
  learning: (name: NetName, work: () => Promise<Answer>) => Promise<Answer>,
): Promise<Omit<Look, 'step'>> {
  const sample = await source.load(image);
  const { config } = nets.teacher;
  const { width, height, strides, bins, classes } = config;
  const pixels = new Float32Array(3 * width * height);
  const { boxes, labels, ignore } = normalise(sample, config, pixels);
  const uploaded = device.tensor(pixels);
  const input = Pyramid.of(uploaded, 1, 3, [{ width, height }]);
  const filled = { width: sample.width, height: sample.height };

  const grid = makeGrid({ imageSize: { width, height }, strides, ...recipe.regions });
  const assigned = ({ classLogits, boxLogits }: DetectorOutputs) =>
    device.tidy(() => {
      const objects = { boxes, labels, images: new Int32Array(labels.length) };
      const ignored = { ignoreBoxes: ignore, ignoreImages: new Int32Array(ignore.length / 4) };
      const truth = uploadTruth(device, { ...objects, ...ignored }, { batch: 1, classes });
      const student = { classLogits: classLogits.value, boxLogits: boxLogits.value };
      const maps = assignedMaps({ recipe, grid, bins }, truth, student);
      // Each read records its copy at once, before `tidy` takes the tensors back.
      return Promise.all([maps.matched.read(), maps.vlr.read()]);
    });
  const answers = {} as Record<NetName, Answer>;
  let regions: Awaited<ReturnType<typeof assigned>> | undefined;
  for (const name of Object.keys(nets) as NetName[]) {
    answers[name] = await learning(name, () =>
      ask(nets[name], input, { filled, recipe }, async (outputs) => {
        if (name === 'with') regions = await assigned(outputs);
      }),
    );
  }
  uploaded.dispose();
  if (!regions) throw new Error('the student with LD was not asked');
  const [matched, valuable] = regions;
  const { levels, centreOffset } = grid;
  return {
    image,
    of: source.length,
    width,
    height,
    filled,
    rgba: rgbaOf(sample.pixels, filled, width, height),
    boxes,
    labels,
    grid: { strides, levels, centreOffset, bins },
    matched,
    valuable,
    answers,
  };
}

/** @param also what else to do with the outputs, before they go */
async function ask(
  net: Detector,
  input: Pyramid,
  { filled, recipe }: { filled: { width: number; height: number }; recipe: Recipe },
  also: (outputs: DetectorOutputs) => Promise<void>,
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
    return { detections, logits: logits as Float32Array, scores: scores as Float32Array };
  } finally {
    for (const { value } of [classLogits, boxLogits, features]) value.dispose();
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
