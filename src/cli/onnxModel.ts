import { STATISTICS } from '../eval/averagePrecision.js';
import type { Changes } from '../onnx/alternatives.js';
import { type Comparison, compareAlternatives } from '../onnx/compare.js';
import { type Judgement, type JudgeOptions, judge } from '../onnx/judge.js';
import { type OnnxMapping, readMapping } from '../onnx/mapping.js';
import { OnnxNet } from '../onnx/net.js';
import { imageSizeOf } from '../onnx/outputs.js';
import { readModel } from '../onnx/readModel.js';
import { InputError } from '../util/error.js';
import { percent } from '../util/figures.js';
import { tell } from '../util/terminal.js';
import type { Outcome } from './command.js';
import { counter } from './counter.js';
import { type Data, type DataOptions, openFitting } from './data.js';
import { table } from './table.js';

/** Average precision below which a teacher's mapping is probably wrong. */
const MIN_AP = 0.05;

/** A model of an .onnx file, how it is to be understood, and the size of its images. */
export interface FoundModel {
  model: Uint8Array;
  /** The file. */
  name: string;
  mapping: OnnxMapping;
  width: number;
  height: number;
}

/**
 * Reads a model and its mapping.
 * @param given size of its images; default: the model's own, or the data's in whole strides
 * @throws InputError that names the file and what is wrong, or a size that is no multiple of the largest stride
 */
export async function findModel(
  file: string,
  mappingFile: string,
  data: Pick<Data, 'width' | 'height'>,
  given: { width?: number | undefined; height?: number | undefined },
): Promise<FoundModel> {
  const mapping = await readMapping(mappingFile);
  const read = await readModel(file);
  return { ...read, mapping, ...(await imageSizeOf({ ...read, mapping }, data, given)) };
}

/** The split that a teacher is judged on: val, or train where there is none. */
export async function openSample(train: Data, options: DataOptions): Promise<Data> {
  try {
    return await openFitting(train, 'val', options);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    tell(`The teacher is judged on images of train, as those of val cannot be read: ${error.message}`);
    return train;
  }
}

/** What a teacher finds of a sample. */
export interface SampleFigures {
  split: string;
  images: number;
  /** As fractions of 1; −1 where the sample has no object of a class that the teacher knows. */
  AP: number;
  AP50: number;
  AP75: number;
  /** AP where all classes are one. */
  anyClass: number;
}

/**
 * Judges a model on a sample and says on stderr what it finds, with the usual causes where that is next to nothing.
 * @throws InputError when its outputs do not fit the mapping
 */
export async function judgeOnSample(found: FoundModel, sample: Data, count: number): Promise<SampleFigures> {
  const [judgement] = await withNet(found, sample, (net) =>
    judge(net, [found.mapping], sampleOptions(found, sample, count)),
  );
  if (judgement instanceof InputError) throw judgement;
  const figures = { split: sample.split, images: Math.min(count, sample.source.length), ...figuresOf(judgement) };
  tell(`The teacher on ${figures.images} images of ${figures.split}: ${describeFigures(figures)}.`);
  if (figures.AP < 0) tell('None of them has an object of a class that the teacher knows; --sample looks at more.');
  else if (figures.AP < MIN_AP) tell(`Warning: ${causes(figures)}`);
  return figures;
}

/** "AP 28.0, AP50 43.1, AP75 29.5" */
export function describeFigures({ AP, AP50, AP75 }: Pick<SampleFigures, 'AP' | 'AP50' | 'AP75'>): string {
  return `AP ${percent(AP)}, AP50 ${percent(AP50)}, AP75 ${percent(AP75)}`;
}

/** Tries what the mapping may have wrong, and says what to change. */
export async function checkOnSample(
  found: FoundModel,
  mappingFile: string,
  sample: Data,
  count: number,
): Promise<Outcome> {
  const comparison = await withNet(found, sample, (net) =>
    compareAlternatives(net, found.mapping, sampleOptions(found, sample, count)),
  );
  const images = Math.min(count, sample.source.length);
  const rows = comparison.trials.map(({ changes, AP, AP50, AP75, fault, ...trial }) => [
    describeChanges(changes) || 'as given',
    ...[AP, AP50, AP75].map(percent),
    fault === null ? `${trial.images}` : 'refused',
  ]);
  const text = [
    `${comparison.tried} mappings on ${images} images of ${sample.split}; the best, and what differs from it in one respect:`,
    table([['change', 'AP', 'AP50', 'AP75', 'images'], ...rows]),
    verdict(comparison, mappingFile),
  ];
  return { data: { mapping: mappingFile, split: sample.split, images, ...comparison }, text: text.join('\n\n') };
}

function verdict({ given, best, anyClass, tried }: Comparison, file: string): string {
  const lines: string[] = [];
  if (given.fault !== null) lines.push(`As given it is refused: ${given.fault}`);
  if (best.AP < 0)
    return [
      ...lines,
      'No image of the sample has an object of a class that the model knows: give more with --sample.',
    ].join('\n');
  if (Object.keys(best.changes).length === 0) {
    lines.push(`${file} is right: none of ${tried - 1} others is better.`);
  } else {
    const before = given.fault === null ? ` instead of ${percent(given.AP)}` : '';
    lines.push(`Change ${file}: ${asJson(best.changes)} (AP ${percent(best.AP)}${before}).`);
  }
  if (best.AP < MIN_AP) lines.push(`Even so ${causes({ AP: best.AP, anyClass })}`);
  return lines.join('\n');
}

/** For a table: `order rgb, mean 0, centreOffset 0.5`. */
function describeChanges(changes: Changes): string {
  const text = (value: unknown) =>
    Array.isArray(value) ? (new Set(value).size === 1 ? `${value[0]}` : value.join(' ')) : `${value}`;
  return Object.entries(changes)
    .map(([name, value]) => `${name.replace(/^input\./, '')} ${text(value)}`)
    .join(', ');
}

/** As a mapping's file has them. */
function asJson(changes: Changes): string {
  return Object.entries(changes)
    .map(([name, value]) => `"${name}": ${JSON.stringify(value).replaceAll(',', ', ')}`)
    .join(', ');
}

/** What may be wrong with a teacher that finds next to nothing. */
function causes({ AP, anyClass }: Pick<SampleFigures, 'AP' | 'anyClass'>): string {
  const found = `it finds next to nothing (AP ${percent(AP)}).`;
  if (anyClass > 3 * Math.max(AP, MIN_AP / 3)) {
    return `${found} With all classes as one its AP is ${percent(anyClass)}: the boxes are right, but classes or classMap of the mapping name other classes.`;
  }
  return `${found} Usual causes in the mapping: centreOffset, input.order (the colours), input.white, input.mean and input.deviation, scores, classes and classMap; edgewise teach --check tries them. Or it was trained for other objects or sizes.`;
}

function figuresOf({ averagePrecision: { stats }, anyClass }: Judgement) {
  const figure = (name: string) => stats[STATISTICS.indexOf(name)];
  return { AP: figure('AP'), AP50: figure('AP50'), AP75: figure('AP75'), anyClass: anyClass() };
}

function sampleOptions({ width, height }: FoundModel, { source }: Data, count: number): JudgeOptions {
  return { source, count, width, height, onProgress: counter('judged', 'images') };
}

async function withNet<T>(found: FoundModel, { source }: Data, work: (net: OnnxNet) => Promise<T>): Promise<T> {
  const net = await OnnxNet.open({ ...found, classes: source.classes.map(({ name }) => name) });
  try {
    return await work(net);
  } finally {
    await net.release();
  }
}
