import { readSafetensors } from '../../src/data/safetensors.js';
import type { Recipe } from '../../src/losses/recipe.js';
import { SHIPPED } from '../../src/losses/recipes.js';
import { type Box, boxAt } from './boxes.js';
import { boxesOf, floats, integers } from './golden.js';
import { recipeOf } from './recipeOf.js';
import type { HeadOutputs, HeadSizes, ImageTruth } from './types.js';

/** One call of another head's loss, of `test/golden/heads`. */
export interface GoldenHead extends HeadSizes {
  head: 'task-aligned' | 'dynamic-soft-label';
  centreOffset: number;
  topk: number;
  /** Of `task-aligned`: the fields of the recipe and the weights of the terms. */
  taskAligned: {
    alpha: number;
    beta: number;
    masked: boolean;
    gains: { box: number; cls: number; dfl: number };
    /** Sum of the target scores. */
    scoreSum: number;
  } | null;
  /** Of `dynamic-soft-label`: weight of -ln IoU. */
  iouWeight: number;
  positives: number;
  truth: ImageTruth[];
  student: HeadOutputs;
  /** Per level: class (or `classes` for background), target score, object of a positive; an entry a location of a batch. */
  assign: { label: Int32Array; score: Float32Array; box: Box[] }[];
  /** Over all levels. */
  losses: Record<'loss_cls' | 'loss_bbox' | 'loss_dfl', number>;
  total: number;
  /** Of `total`, shaped like the student's outputs. */
  gradients: HeadOutputs;
}

/** Loads a case, for instance `await loadGoldenHead('test/golden/heads/tal-older.safetensors')`. */
export async function loadGoldenHead(path: string): Promise<GoldenHead> {
  const file = await readSafetensors(path);
  const { metadata } = file;
  const strides: number[] = JSON.parse(metadata.strides);
  const batch = Number(metadata.batch);
  const perLevel = (prefix: string) => strides.map((_, level) => floats(file, `${prefix}.${level}`));
  const outputs = (prefix: string): HeadOutputs => ({
    classLogits: perLevel(`${prefix}.cls`),
    boxLogits: perLevel(`${prefix}.reg`),
  });
  const isTaskAligned = metadata.head === 'task-aligned';
  return {
    head: isTaskAligned ? 'task-aligned' : 'dynamic-soft-label',
    width: Number(metadata.width),
    height: Number(metadata.height),
    strides,
    batch,
    classes: Number(metadata.classes),
    bins: Number(metadata.regMax) + 1,
    centreOffset: Number(metadata.centreOffset),
    topk: Number(metadata.topk),
    taskAligned: isTaskAligned
      ? {
          alpha: Number(metadata.alpha),
          beta: Number(metadata.beta),
          masked: metadata.overlaps === 'masked',
          gains: JSON.parse(metadata.gains),
          scoreSum: Number(metadata.scoreSum),
        }
      : null,
    iouWeight: Number(metadata.iouFactor),
    positives: Number(metadata.positives),
    truth: Array.from({ length: batch }, (_, image) => ({
      boxes: boxesOf(file, `gt.boxes.${image}`),
      labels: Array.from(integers(file, `gt.labels.${image}`)),
    })),
    student: outputs('student'),
    assign: strides.map((_, level) => {
      const label = integers(file, `assign.label.${level}`);
      const boxes = floats(file, `assign.box.${level}`);
      return {
        label,
        score: floats(file, `assign.score.${level}`),
        box: Array.from(label, (_, location) => boxAt(boxes, location)),
      };
    }),
    losses: JSON.parse(metadata.losses),
    total: Number(metadata.total),
    gradients: outputs('grad'),
  };
}

/** The recipe of that head with the figures of the case. */
export function goldenHeadRecipe({ head, taskAligned, centreOffset, topk, iouWeight }: GoldenHead): Recipe {
  const name = head === 'task-aligned' ? 'yolov8' : 'nanodet-plus';
  const base = recipeOf(SHIPPED.find((recipe) => recipe.name === name) ?? {});
  const recipe = { ...base, regions: { ...base.regions, centreOffset } };
  if (!taskAligned) return { ...recipe, dynamicSoftLabel: { topk, iouWeight } };
  const { alpha, beta, masked, gains } = taskAligned;
  return {
    ...recipe,
    taskAligned: { ...recipe.taskAligned, topk, alpha, beta, masked },
    classification: { ...recipe.classification, weight: gains.cls },
    box: { ...recipe.box, weight: gains.box },
    dfl: { ...recipe.dfl, weight: gains.dfl },
  };
}
