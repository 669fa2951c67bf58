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

/** Options of every assigner that looks at the student. */
export interface StudentOptions {
  /** Bins of an edge, K; 1: the logit is the distance itself, in strides (YOLO26). */
  bins: number;
  /** What the bins stand for; see shaders/lib/box_parameters.wgsl. Default `ltrb`. */
  parameters?: 'ltrb' | 'offset';
  /** What the bins stand for, in strides: one increasing value a bin, for `ltrb`. Default 0 … bins − 1. */
  projection?: Projection;
  /** The VLR and ignored labels go by ATSS whoever assigns; `topk` is for the VLR's thresholds. Default: no VLR, nothing ignored. */
  atss?: AtssOptions;
}

/** Checks of the fields of `StudentOptions`. */
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

/** Whether the logits can be bound as vectors of four. */
function isPacked(maps: Maps): boolean {
  const { buffer, offset, size } = tensorOf(maps);
  return offset + 16 * Math.ceil(size / 4) <= buffer.size;
}

/** Which of a pass's two forms, over quads of locations, fits these logits, and how many invocations it takes. */
export function quadReading(grid: Grid, batch: number, ...maps: readonly Maps[]) {
  const quads = grid.areas.reduce((sum, area) => sum + batch * Math.ceil(area / 4), 0);
  return { packed: maps.every(isPacked), invocations: quads };
}

/** The binding of logits. */
export function logitRange(maps: Maps, packed = false): BufferRange {
  return packed ? tensorOf(maps).range4 : tensorOf(maps).range;
}

/** How far a box reaches from its centre at most, strides. */
export function boxReach({ bins, parameters = 'ltrb', projection }: StudentOptions): number {
  if (projection) return Math.max(...projection.map(Math.abs));
  return parameters === 'ltrb' && bins > 1 ? bins - 1 : UNBOUNDED;
}

/** Constants and uniform fields for decoding the student's boxes. @throws InputError for a projection that does not fit */
export function boxDecoding({ boxLogits }: HeadMaps, { bins, parameters = 'ltrb', projection }: StudentOptions) {
  const table = headProjection('projection', projection, bins);
  assertDistances('projection', table, parameters);
  return {
    constants: { OFFSET_BOX: parameters === 'offset' ? 1 : 0, ...binConstants(table) },
    params: { bins, box_layout: layoutTable(boxLogits), ...binParams(table) },
  };
}
