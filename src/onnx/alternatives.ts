import { IMAGE_DEVIATION, IMAGE_MEAN } from '../data/augment.js';
import type { OnnxMapping } from './mapping.js';

type Input = OnnxMapping['input'];
type Triple = Input['mean'];

/** Fields of a mapping, such as `input.order`, and their values. `tensors.strides` and `.channels` are of the first that differs. */
export type Changes = Record<string, unknown>;

/** A mapping that may be meant instead of a given one. */
export interface Alternative {
  mapping: OnnxMapping;
  /** The fields that differ from those of the given mapping; none for the given one. */
  changes: Changes;
}

const NONE: Triple = [0, 0, 0];
const ONE: Triple = [1, 1, 1];
const HALF: Triple = [0.5, 0.5, 0.5];
const MEAN = IMAGE_MEAN as Triple;
const DEVIATION = IMAGE_DEVIATION as Triple;

/**
 * Everything that a mapping's file may easily have wrong without a shape that tells: the given mapping first, then every
 * combination of the others. Inputs that come to the same are one.
 */
export function alternativesOf(given: OnnxMapping): Alternative[] {
  const offsets = [...new Set([given.centreOffset, 0, 0.5])];
  const scores =
    given.scores === 'logits' ? (['logits', 'probabilities'] as const) : (['probabilities', 'logits'] as const);
  const found: Alternative[] = [];
  for (const input of inputsOf(given.input)) {
    for (const tensors of tensorsOf(given.tensors)) {
      for (const centreOffset of offsets) {
        for (const score of scores) {
          const mapping = { ...given, input, tensors, centreOffset, scores: score };
          found.push({ mapping, changes: changesOf(given, mapping) });
        }
      }
    }
  }
  return found;
}

/** In how many respects two mappings differ, of those that are tried. */
export function distanceBetween(one: OnnxMapping, other: OnnxMapping): number {
  const respects = ({ input, centreOffset, scores, tensors }: OnnxMapping) => [
    input.order,
    // For red, green and blue, so that the order of the colours can vary by itself.
    inputKey(
      input.order === 'rgb'
        ? input
        : { ...input, order: 'rgb', mean: reversed(input.mean), deviation: reversed(input.deviation) },
    ),
    centreOffset,
    scores,
    String(tensors.map(({ strides }) => strides)),
    String(tensors.map(({ channels }) => channels)),
  ];
  const others = respects(other);
  return respects(one).filter((value, i) => value !== others[i]).length;
}

/** What makes two inputs the same: each channel's colour, factor and shift. */
export function inputKey({ order, white, mean, deviation }: Input): string {
  const channels = [0, 1, 2].map((c) => [white / deviation[c], mean[c] / deviation[c]].map((x) => x.toPrecision(4)));
  return `${order} ${channels.join(' ')}`;
}

/** Orders of the colours with usual normalisations; the given one first. Mean and deviation go with their colours. */
function inputsOf(given: Input): Input[] {
  const swapped = given.order === 'rgb' ? 'bgr' : 'rgb';
  const own = (order: Input['order']): Input[] => {
    const usual = (white: Input['white'], mean: Triple, deviation: Triple): Input => ({
      ...given,
      order,
      white,
      mean: order === 'rgb' ? mean : reversed(mean),
      deviation: order === 'rgb' ? deviation : reversed(deviation),
    });
    const scale = given.white / 255;
    const scaled = (triple: Triple) => triple.map((value) => Number((value * scale).toPrecision(6))) as Triple;
    return [
      { ...given, order },
      { ...given, order, mean: reversed(given.mean), deviation: reversed(given.deviation) },
      { ...given, order, white: given.white === 1 ? 255 : 1 },
      usual(given.white, NONE, ONE),
      usual(given.white === 1 ? 255 : 1, NONE, ONE),
      // ImageNet's, of torchvision, mmdetection and PaddleDetection.
      usual(given.white, scaled(MEAN), scaled(DEVIATION)),
      // Its mean alone, of Caffe's backbones.
      usual(255, MEAN, ONE),
      // −1 … 1, of TensorFlow's.
      usual(1, HALF, HALF),
    ];
  };
  const byKey = new Map<string, Input>();
  for (const input of [...own(given.order), ...own(swapped)]) {
    const key = inputKey(input);
    if (!byKey.has(key)) byKey.set(key, input);
  }
  return [...byKey.values()];
}

/** Orders of levels in a tensor of several, and of parts in a tensor of both; the given ones first. */
function tensorsOf(given: OnnxMapping['tensors']): OnnxMapping['tensors'][] {
  const levels = given.map((tensor) => ({ ...tensor, strides: [...tensor.strides].reverse() }));
  const parts = (tensors: OnnxMapping['tensors']) =>
    tensors.map((tensor) => ({ ...tensor, channels: [...tensor.channels].reverse() }));
  const all = [given, levels, parts(given), parts(levels)];
  return all.filter((tensors, i) => all.findIndex((other) => JSON.stringify(other) === JSON.stringify(tensors)) === i);
}

/** The fields in which a mapping differs from a given one. */
function changesOf(given: OnnxMapping, other: OnnxMapping): Changes {
  const at = (name: 'strides' | 'channels') =>
    Math.max(
      0,
      given.tensors.findIndex((tensor, i) => String(tensor[name]) !== String(other.tensors[i][name])),
    );
  const fieldsOf = ({ input, centreOffset, scores, tensors }: OnnxMapping): Changes => ({
    'input.order': input.order,
    'input.white': input.white,
    'input.mean': input.mean,
    'input.deviation': input.deviation,
    centreOffset,
    scores,
    'tensors.strides': tensors[at('strides')].strides,
    'tensors.channels': tensors[at('channels')].channels,
  });
  const before = fieldsOf(given);
  const differs = ([name, value]: [string, unknown]) => JSON.stringify(value) !== JSON.stringify(before[name]);
  return Object.fromEntries(Object.entries(fieldsOf(other)).filter(differs));
}

function reversed([a, b, c]: Triple): Triple {
  return [c, b, a];
}
