import { edgeDistance, integral, sigmoid } from './bins.js';
import { type Box, insideMargin, iou } from './boxes.js';
import { type BoxParameters, decodeBox } from './boxParameters.js';
import type { GridLevel } from './grid.js';
import type { LevelView } from './rebin.js';
import { readRow } from './rows.js';
import type { ImageTruth } from './types.js';

/**
 * whole: every location (FitNets); inside: centre strictly inside any ground truth (the reference's `fitnet`);
 * main: positives; finegrained: Wang et al. 2019; decouple: DeFeat, inside and the rest apart; gibox: GI imitation.
 */
export type ImitationMethod = 'whole' | 'inside' | 'main' | 'finegrained' | 'decouple' | 'gibox';

/** Every location of one image. */
function wholeRegion(levels: readonly GridLevel[]): Uint8Array {
  return new Uint8Array(levels.reduce((sum, level) => sum + level.anchors.length, 0)).fill(1);
}

/** Locations of one image whose anchor centre is strictly inside any ground truth. */
function insideRegion(levels: readonly GridLevel[], boxes: readonly Box[]): Uint8Array {
  const centres = levels.flatMap((level) => level.centres);
  return Uint8Array.from(centres, ([x, y]) => (boxes.some((box) => insideMargin(x, y, box) > 0) ? 1 : 0));
}

/** Locations i of one image with IoU_ij > 0.5 max_i' IoU_i'j for any ground truth j, i' over all anchors of all levels. */
function finegrainedRegion(levels: readonly GridLevel[], boxes: readonly Box[]): Uint8Array {
  const anchors = levels.flatMap((level) => level.anchors);
  const best = boxes.map((box) => anchors.reduce((most, anchor) => Math.max(most, iou(anchor, box)), 0));
  return Uint8Array.from(anchors, (anchor) => (boxes.some((box, j) => iou(anchor, box) > 0.5 * best[j]) ? 1 : 0));
}

/** Region of one image for every method that needs no predictions. `positive` [locations] is used by `main`. */
export function imitationRegion(
  method: Exclude<ImitationMethod, 'gibox'>,
  levels: readonly GridLevel[],
  truth: Pick<ImageTruth, 'boxes'>,
  positive: ArrayLike<boolean | number>,
): Uint8Array {
  if (method === 'whole') return wholeRegion(levels);
  if (method === 'main') return Uint8Array.from(positive, (is) => (is ? 1 : 0));
  if (method === 'finegrained') return finegrainedRegion(levels, truth.boxes);
  return insideRegion(levels, truth.boxes);
}

export interface GiboxInput {
  level: GridLevel;
  batch: number;
  classes: number;
  parameters: BoxParameters;
  /** Logits of the level: class [B, C, H, W], box [B, 4*bins, H, W]. */
  student: { classLogits: ArrayLike<number>; boxLogits: ArrayLike<number> };
  teacher: { classLogits: ArrayLike<number>; boxLogits: ArrayLike<number> };
  /** Of a teacher with another head: its bins, and its level seen from the student's; null where it has none. */
  teacherView?: { bins: number; projection?: readonly number[] | undefined; view: LevelView | null } | undefined;
  /** batch: one suppression for all images together (reference); image: each image by itself. */
  scope: 'batch' | 'image';
}

const GIBOX_IOU = 0.3;
const GIBOX_COUNT = 10;

/**
 * General instances of one level (GI imitation, Dai et al., CVPR 2021): score = max_c |sigmoid(teacher) - sigmoid(student)|, box = the
 * one of the network that scores higher at that class (the teacher at a tie), in units of stride; suppression above
 * IoU 0.3 by (score desc, index asc); the 10 best that are left. Returns a mask [B, H*W].
 * In scope `batch` the 10 are over the batch and boxes of one image suppress those of another; in scope `image`, 10 an image.
 */
export function giboxRegion(input: GiboxInput): Uint8Array {
  const { level, batch, classes, parameters, student, teacher, teacherView, scope } = input;
  const { bins } = parameters;
  const size = level.anchors.length;
  if (teacherView?.view === null) return new Uint8Array(batch * size);
  const classOf = (image: number, c: number, cell: number) =>
    teacherView?.view
      ? readRow(teacher.classLogits, teacherView.view.place(image, cell, c, 1, classes))[0]
      : teacher.classLogits[(image * classes + c) * size + cell];

  const instances = Array.from({ length: batch * size }, (_, index) => {
    const image = Math.floor(index / size);
    const cell = index % size;
    let difference = 0;
    let score = -1;
    for (let c = 0; c < classes; c++) {
      const at = (image * classes + c) * size + cell;
      const delta = sigmoid(classOf(image, c, cell)) - sigmoid(student.classLogits[at]);
      if (Math.abs(delta) > score) {
        score = Math.abs(delta);
        difference = delta;
      }
    }
    const { boxLogits } = difference >= 0 ? teacher : student;
    const expected = [0, 1, 2, 3].map((edge) => {
      if (teacherView?.view && difference >= 0) {
        const { view, bins: own, projection } = teacherView;
        return view.position(
          cell,
          edge,
          edgeDistance(readRow(teacher.boxLogits, view.place(image, cell, edge * own, own, 4 * own)), projection),
        );
      }
      const first = (image * 4 + edge) * bins;
      return integral(
        Float64Array.from({ length: bins }, (_, k) => boxLogits[(first + k) * size + cell]),
        parameters.projection,
      );
    });
    const centre = [level.centres[cell][0] / level.stride, level.centres[cell][1] / level.stride] as const;
    const box = decodeBox(expected, centre, parameters).map(({ value }) => value) as unknown as Box;
    return { index, image, score, box };
  });
  instances.sort((a, b) => b.score - a.score || a.index - b.index);

  const kept: typeof instances = [];
  for (const instance of instances) {
    const rivals = scope === 'batch' ? kept : kept.filter(({ image }) => image === instance.image);
    // Kept in order of score, so that stopping at ten is the same as suppressing all and taking the first ten.
    if (rivals.length >= GIBOX_COUNT) continue;
    if (rivals.every(({ box }) => iou(box, instance.box) <= GIBOX_IOU)) kept.push(instance);
  }
  const mask = new Uint8Array(batch * size);
  for (const { index } of kept) mask[index] = 1;
  return mask;
}
