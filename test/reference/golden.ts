import { readSafetensors, type SafetensorsFile } from '../../src/data/safetensors.js';
import { type Box, boxAt } from './boxes.js';
import type { HeadOutputs, ImageTruth } from './types.js';

/** What the reference implementation assigned to each location of a batch. */
export interface GoldenAssignment {
  name: string;
  width: number;
  height: number;
  batch: number;
  classes: number;
  strides: number[];
  /** -1: ignore regions are not used. */
  ignoreIofThreshold: number;
  /** The reference's name of the imitation method: finegrained, fitnet, gibox. */
  imitation: string;
  positives: number;
  /** One entry an image. */
  truth: ImageTruth[];
  /** Per level; `label` (class, or `classes` for background), `weight`, `vlr`, `imitation`: [B, H*W]; `box`: [B, H*W, 4]. */
  assign: {
    label: Int32Array;
    weight: Float32Array;
    box: Float32Array;
    vlr: Float32Array;
    imitation: Float32Array;
  }[];
}

/** One call of the reference implementation's head loss: inputs, assignments, loss terms and gradients. */
export interface GoldenCase extends GoldenAssignment {
  bins: number;
  imitationWeight: number;
  /** Main region and VLR. */
  temperatureLd: number;
  temperatureKd: number;
  /** Per term of the reference (loss_cls, loss_bbox, ...), one value a level. */
  losses: Record<string, number[]>;
  total: number;
  student: HeadOutputs;
  teacher: HeadOutputs;
  /** Of `total`, shaped like the student's outputs. */
  gradients: HeadOutputs;
}

/** The tensor of this name, which must be of floats. */
export function floats({ tensors }: SafetensorsFile, key: string): Float32Array {
  const tensor = tensors.get(key);
  if (tensor?.dtype !== 'F32') throw new Error(`no float tensor ${key}`);
  return tensor.data;
}

/** The tensor of this name, which must be of integers. */
export function integers({ tensors }: SafetensorsFile, key: string): Int32Array {
  const tensor = tensors.get(key);
  if (tensor?.dtype !== 'I32') throw new Error(`no integer tensor ${key}`);
  return tensor.data;
}

export function boxesOf(file: SafetensorsFile, key: string): Box[] {
  // The files hold no ignore boxes where an image has none.
  if (!file.tensors.has(key)) return [];
  const rows = floats(file, key);
  return Array.from({ length: rows.length / 4 }, (_, row) => boxAt(rows, row));
}

function parseAssignment(file: SafetensorsFile): GoldenAssignment {
  const { metadata } = file;
  const strides: number[] = JSON.parse(metadata.strides);
  const batch = Number(metadata.batch);
  return {
    name: metadata.name,
    width: Number(metadata.width),
    height: Number(metadata.height),
    batch,
    classes: Number(metadata.classes),
    strides,
    ignoreIofThreshold: Number(metadata.ignoreIofThreshold),
    imitation: metadata.imitation,
    positives: Number(metadata.numTotalPos),
    truth: Array.from({ length: batch }, (_, image) => ({
      boxes: boxesOf(file, `gt.boxes.${image}`),
      labels: Array.from(integers(file, `gt.labels.${image}`)),
      ignore: boxesOf(file, `gt.ignore.${image}`),
    })),
    assign: strides.map((_, level) => ({
      label: integers(file, `assign.label.${level}`),
      weight: floats(file, `assign.weight.${level}`),
      box: floats(file, `assign.box.${level}`),
      vlr: floats(file, `assign.vlr.${level}`),
      imitation: floats(file, `assign.imitation.${level}`),
    })),
  };
}

/** Loads the assignments of a golden case; enough for the files `assign-*`, which hold nothing else. */
export async function loadGoldenAssignment(path: string): Promise<GoldenAssignment> {
  return parseAssignment(await readSafetensors(path));
}

/** Loads a golden case, for instance `await loadGolden('test/golden/small-bins.safetensors')`. */
export async function loadGolden(path: string): Promise<GoldenCase> {
  const file = await readSafetensors(path);
  const { metadata } = file;
  const assignment = parseAssignment(file);
  const perLevel = (prefix: string) => assignment.strides.map((_, level) => floats(file, `${prefix}.${level}`));
  const outputs = (prefix: string): HeadOutputs => ({
    classLogits: perLevel(`${prefix}.cls`),
    boxLogits: perLevel(`${prefix}.reg`),
    features: file.tensors.has(`${prefix}.feat.0`) ? perLevel(`${prefix}.feat`) : undefined,
  });
  return {
    ...assignment,
    bins: Number(metadata.regMax) + 1,
    imitationWeight: Number(metadata.imitationWeight),
    temperatureLd: Number(metadata.temperatureLd),
    temperatureKd: Number(metadata.temperatureKd),
    losses: JSON.parse(metadata.losses),
    total: Number(metadata.total),
    student: outputs('student'),
    teacher: outputs('teacher'),
    gradients: outputs('grad'),
  };
}
