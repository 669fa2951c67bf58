import type { BufferRange } from '../gpu/launch.js';
import { assertMaps, layoutTable, type Maps, tensorOf } from '../tensor/layout.js';
import { anything, fields, integer, oneOf, optional } from '../util/argument.js';
import type { AtssOptions } from './atssCandidates.js';
import { assertDistances, binConstants, binParams, headProjection, type Projection } from './binValues.js';
import type { Grid } from './grid.js';
import type { Truth } from './truth.js';

/** Class logits (C channels) and box logits (4·bins channels, edge-major) of a head. */
export interface HeadMaps {
  /** C channels, one a class; scores are their sigmoids. */
  classLogits: Maps;
  /** 4 · bins channels; channel = edge · bins + bin, edges left, top, right, bottom. */
  boxLogits: Maps;
}

/** What every assigner that looks at the student asks for. */
export interface StudentOptions {
  /** Bins of an edge, K; 1: the logit is the distance itself, in strides (YOLO26). */
  bins: number;
  /** What the bins stand for; see shaders/lib/box_parameters.wgsl. Default `ltrb`. */
  parameters?: 'ltrb' | 'offset';
  /** What the bins stand for, in strides: one increasing value a bin, for `ltrb`. Default 0 … bins − 1. */
  projection?: Projection;
  /**
   * What goes by ATSS whoever assigns: the VLR and which labels are ignored; `topk` is that of the thresholds of the VLR.
   * Default: no VLR, nothing ignored.
   */
  atss?: AtssOptions;
}

/** Of the fields of `StudentOptions`. */
export const STUDENT_OPTIONS = {
  parameters: optional(oneOf('ltrb', 'offset')),
  projection: anything,
  atss: optional(fields({})),
};

/** Strides; more than any image has. */
const UNBOUNDED = 1e6;

const HEAD = fields({ classLogits: anything, boxLogits: anything });

/** @throws InputError for maps that do not fit the grid, the truth's classes or the bins */
export function assertHead(
  name: string,
  head: HeadMaps,
  grid: Grid,
  { boxes, batch, classes }: Truth,
  bins: number,
): void {
  integer(1)('bins', bins);
  HEAD(name, head);
  const shared = { batch, areas: grid.areas, device: boxes.device };
  assertMaps(`${name}.classLogits`, head.classLogits, { ...shared, channels: classes, meaning: 'classes' });
  const meaning = `4 edges × ${bins} bins`;
  assertMaps(`${name}.boxLogits`, head.boxLogits, { ...shared, channels: 4 * bins, meaning });
}

/** Whether kernels can see the logits as vectors of four. */
function isPacked(maps: Maps): boolean {
  const { buffer, offset, size } = tensorOf(maps);
  return offset + 16 * Math.ceil(size / 4) <= buffer.size;
}

/** What a pass over quads of locations is launched with: which of its two forms fits these logits, and how often it runs. */
export function quadReading(grid: Grid, batch: number, ...maps: readonly Maps[]) {
  const quads = grid.areas.reduce((sum, area) => sum + batch * Math.ceil(area / 4), 0);
  return { packed: maps.every(isPacked), invocations: quads };
}

/** The binding of logits that are read by quads or one by one. */
export function logitRange(maps: Maps, packed = false): BufferRange {
  return packed ? tensorOf(maps).range4 : tensorOf(maps).range;
}

/** How far a box reaches from its centre at most, strides. */
export function boxReach({ bins, parameters = 'ltrb', projection }: StudentOptions): number {
  if (projection) return Math.max(...projection.map(Math.abs));
  return parameters === 'ltrb' && bins > 1 ? bins - 1 : UNBOUNDED;
}

/**
 * The constants and uniform fields of decoding the student's boxes.
 * @throws InputError for a projection that does not fit
 */
export function boxDecoding({ boxLogits }: HeadMaps, { bins, parameters = 'ltrb', projection }: StudentOptions) {
  const table = headProjection('projection', projection, bins);
  assertDistances('projection', table, parameters);
  return {
    constants: { OFFSET_BOX: parameters === 'offset' ? 1 : 0, ...binConstants(table) },
    params: { bins, box_layout: layoutTable(boxLogits), ...binParams(table) },
  };
}
