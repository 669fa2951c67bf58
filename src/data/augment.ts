import { mat2d } from 'gl-matrix';
import type { Random } from '../tensor/random.js';
import { InputError } from '../util/error.js';
import type { Sample } from './source.js';

export interface AugmentOptions {
  /** Probability of a horizontal flip. */
  flip: number;
  /** Bounds of the random scale, drawn log-uniformly. */
  scale: [number, number];
  /** Largest shift, as a part of the frame's width and height. */
  shift: number;
  /** Largest relative change of brightness, contrast and saturation. */
  colour: number;
}

const DEFAULTS: AugmentOptions = {
  flip: 0.5, // GFocal's and LD's configurations: RandomFlip, flip_ratio 0.5
  scale: [0.8, 1.25], // the range of their multi-scale training (480–800 of 640), symmetric about 1
  shift: 0.1, // a box centre falls on other cells of every level without many boxes leaving the frame
  colour: 0.2, // half of torchvision's usual 0.4: the teacher has to stay right on what the student sees
};

// ImageNet's mean and standard deviation in 0 … 255, as in GFocal's configurations (img_norm_cfg).
export const IMAGE_MEAN = [123.675, 116.28, 103.53];
export const IMAGE_DEVIATION = [58.395, 57.12, 57.375];
const LUMA = [0.299, 0.587, 0.114]; // ITU-R BT.601

/** A box is kept if at least this many pixels wide and high … */
const SMALLEST_SIDE = 2;
/** … and if at least this fraction of its area is in the frame: less shows too little of the object. */
const SMALLEST_VISIBLE = 0.25;

/** The objects of an image in the network's frame: [n, 4] xyxy pixels, [n], [m, 4]. */
export type Objects = Pick<Sample, 'boxes' | 'labels' | 'ignore'>;

/** The network's input size in pixels. */
export interface Frame {
  height: number;
  width: number;
}

/**
 * Writes an image, flipped, scaled, shifted and recoloured at random, into the network's input.
 * A pure function of the sample and the generator's state, which always advances by the same count.
 *
 * @param sample not larger than the frame; without augmentation it would lie at the frame's top left
 * @param output [3, height, width], overwritten: normalised by ImageNet's mean and deviation, 0 (mean grey) beside the image
 * @returns boxes mapped and clipped to the frame; those left with too little are dropped
 */
export function augment(
  sample: Sample,
  random: Random,
  frame: Frame,
  output: Float32Array,
  { flip, scale, shift, colour }: AugmentOptions = DEFAULTS,
): Objects {
  const mirror = random.next() < flip ? -1 : 1;
  const size = Math.exp(random.uniform(Math.log(scale[0]), Math.log(scale[1])));
  const shiftX = random.uniform(-shift, shift) * frame.width;
  const shiftY = random.uniform(-shift, shift) * frame.height;
  const brightness = random.uniform(1 - colour, 1 + colour);
  const contrast = random.uniform(1 - colour, 1 + colour);
  const saturation = random.uniform(1 - colour, 1 + colour);

  // About the image's centre, which then moves by the shift.
  const map = mat2d.fromTranslation(mat2d.create(), [sample.width / 2 + shiftX, sample.height / 2 + shiftY]);
  mat2d.scale(map, map, [mirror * size, size]);
  mat2d.translate(map, map, [-sample.width / 2, -sample.height / 2]);

  render(sample, map, colourMap(brightness, contrast, saturation), frame, output);
  return mapObjects(sample, map, frame);
}

/** Writes an image as it is, at the top left of the network's input; see {@link augment} for the output. */
export function normalise(sample: Sample, frame: Frame, output: Float32Array): Objects {
  render(sample, mat2d.create(), colourMap(1, 1, 1), frame, output);
  return { boxes: sample.boxes, labels: sample.labels, ignore: sample.ignore };
}

/**
 * Brightness, contrast (about the mean colour, so that padding stays what it is), saturation and normalisation as one
 * affine map of (red, green, blue), rows of 4. Values beyond 0 … 255 are not clipped: the network does not mind.
 */
function colourMap(brightness: number, contrast: number, saturation: number): number[] {
  // x ↦ (S(contrast · (brightness · x − μ) + μ) − μ) / σ with S = saturation · I + (1 − saturation) · 1 lumaᵀ
  const saturate = (row: number, column: number) => (row === column ? saturation : 0) + (1 - saturation) * LUMA[column];
  return [0, 1, 2].flatMap((row) => {
    const constant = [0, 1, 2].reduce(
      (sum, c) => sum + saturate(row, c) * (1 - contrast) * IMAGE_MEAN[c],
      -IMAGE_MEAN[row],
    );
    const linear = [0, 1, 2].map((column) => saturate(row, column) * contrast * brightness);
    return [...linear, constant].map((value) => value / IMAGE_DEVIATION[row]);
  });
}

/** Bilinear sampling. The map has no rotation, so the sources of each column and row are computed once. */
function render(sample: Sample, map: mat2d, colour: number[], { height, width }: Frame, output: Float32Array): void {
  const { pixels } = sample;
  const inverse = mat2d.invert(mat2d.create(), map);
  if (!inverse) throw new InputError(`the augmentation map ${mat2d.str(map)} has no inverse; give a positive scale`);
  const columns = readings(inverse[0], inverse[4], width, sample.width, 3);
  const rows = readings(inverse[3], inverse[5], height, sample.height, 3 * sample.width);
  const [rr, rg, rb, r1, gr, gg, gb, g1, br, bg, bb, b1] = colour;
  const plane = height * width;

  output.fill(0);
  for (let y = rows.first; y < rows.end; y++) {
    const up = rows.low[y];
    const down = rows.high[y];
    const fy = rows.fraction[y];
    for (let x = columns.first; x < columns.end; x++) {
      const left = columns.low[x];
      const right = columns.high[x];
      const fx = columns.fraction[x];
      const w11 = fx * fy;
      const w01 = fx - w11;
      const w10 = fy - w11;
      const w00 = 1 - fx - w10;
      const a = up + left;
      const b = up + right;
      const c = down + left;
      const d = down + right;
      const red = w00 * pixels[a] + w01 * pixels[b] + w10 * pixels[c] + w11 * pixels[d];
      const green = w00 * pixels[a + 1] + w01 * pixels[b + 1] + w10 * pixels[c + 1] + w11 * pixels[d + 1];
      const blue = w00 * pixels[a + 2] + w01 * pixels[b + 2] + w10 * pixels[c + 2] + w11 * pixels[d + 2];
      const at = y * width + x;
      output[at] = rr * red + rg * green + rb * blue + r1;
      output[at + plane] = gr * red + gg * green + gb * blue + g1;
      output[at + 2 * plane] = br * red + bg * green + bb * blue + b1;
    }
  }
}

/** For each position of an output axis: the two source positions (times stride) and the weight of the second. */
function readings(factor: number, offset: number, count: number, sourceCount: number, stride: number) {
  const low = new Int32Array(count);
  const high = new Int32Array(count);
  const fraction = new Float32Array(count);
  let first = count;
  let end = 0;
  for (let i = 0; i < count; i++) {
    const centre = factor * (i + 0.5) + offset; // a pixel's centre lies at its index + 0.5
    if (centre < 0 || centre > sourceCount) continue;
    const position = Math.min(Math.max(centre - 0.5, 0), sourceCount - 1);
    const index = Math.floor(position);
    low[i] = index * stride;
    high[i] = Math.min(index + 1, sourceCount - 1) * stride;
    fraction[i] = position - index;
    first = Math.min(first, i);
    end = i + 1;
  }
  return { low, high, fraction, first, end };
}

function mapObjects({ boxes, labels, ignore }: Sample, map: mat2d, { height, width }: Frame): Objects {
  const mapped = (source: Float32Array, smallestVisible: number) => {
    const kept: number[] = [];
    const values: number[] = [];
    for (let i = 0; i < source.length / 4; i++) {
      const xs = [source[4 * i] * map[0] + map[4], source[4 * i + 2] * map[0] + map[4]].sort((a, b) => a - b);
      const ys = [source[4 * i + 1] * map[3] + map[5], source[4 * i + 3] * map[3] + map[5]];
      const box = [Math.max(xs[0], 0), Math.max(ys[0], 0), Math.min(xs[1], width), Math.min(ys[1], height)];
      const w = box[2] - box[0];
      const h = box[3] - box[1];
      if (w < SMALLEST_SIDE || h < SMALLEST_SIDE) continue;
      if (w * h < smallestVisible * (xs[1] - xs[0]) * (ys[1] - ys[0])) continue;
      values.push(...box);
      kept.push(i);
    }
    return { values: Float32Array.from(values), kept };
  };
  const objects = mapped(boxes, SMALLEST_VISIBLE);
  return {
    boxes: objects.values,
    labels: Int32Array.from(objects.kept, (i) => labels[i]),
    ignore: mapped(ignore, 0).values,
  };
}
