import methods from '../../plans/methods.json' with { type: 'json' };
import type { DetectorSize } from '../../src/detector/config.js';
import { needsTeacher, type PartialRecipe, resolveRecipe } from '../../src/losses/recipe.js';
import { CONVOLUTIONS } from '../convolutions.js';
import type { FirstCallRow } from '../firstCall.js';
import type { Row } from '../row.js';
import { HEADS, REFERENCE } from '../scene.js';
import { assignerRow } from './assigners.js';
import { convolutionRows } from './convolution.js';
import { denseRowsRow } from './denseRows.js';
import { firstHeadLossRow, firstTrainStepRow } from './firstCall.js';
import { graphOpsRows } from './graphOps.js';
import { groupNormRow } from './groupNorm.js';
import { headLossRow } from './headLoss.js';
import { listsRow, mapsRow } from './regions.js';
import { trainStepRow } from './trainStep.js';
import { trainStepGraphRow } from './trainStepGraph.js';

const square = (size: number) => ({ height: size, width: size });
const LARGE = { ...REFERENCE, image: 1280 };
const MAPS = [{ height: 60, width: 80 }];
const PYRAMID = [40, 20, 10, 5, 3].map(square);
/** The images of BCCD, 320×240, in whole strides. */
const BCCD = { batch: 8, classes: 3, width: 320, height: 256, boxes: 10 };
const BETWEEN_64 = { inputs: 64, outputs: 64, stride: 1 } as const;

/** Those that the peers have too. */
const SHARED_CONVOLUTIONS = Object.entries(CONVOLUTIONS).map(([name, { height, width, ...shape }]) =>
  convolutionRows(name, { ...shape, kernel: 3, levels: [{ height, width }] }),
);

/** Convolutions of a full run: the other kinds, and shapes of backbones and heads. */
const MORE_CONVOLUTIONS: Row[] = [
  convolutionRows('conv1x1-64', { ...BETWEEN_64, batch: 2, kernel: 1, levels: MAPS }),
  convolutionRows('conv3x3-64-stride2', { ...BETWEEN_64, batch: 2, kernel: 3, stride: 2, levels: MAPS }),
  convolutionRows('conv3x3-64-128', { batch: 8, inputs: 64, outputs: 128, kernel: 3, stride: 2, levels: [square(20)] }),
  convolutionRows('conv3x3-64-pyramid', { ...BETWEEN_64, batch: 4, kernel: 3, levels: PYRAMID }),
  convolutionRows('conv3x3-64-3-pyramid', { ...BETWEEN_64, outputs: 3, batch: 4, kernel: 3, levels: PYRAMID }),
].flat();

/** 272,800 edges: 8 images of 640×640 pixels, strides 8 to 128. */
const EDGES = { batch: 8, bins: 17, levels: [80, 40, 20, 10, 5].map(square) };

const OWN_STEP = { ...BCCD, size: 'small', recipe: 'gfocal' } as const;
const DISTILLED = { ...BCCD, size: 'tiny', teacher: 'small', recipe: 'main-kd+main-ld+vlr-ld' } as const;

/** The heads of YOLOv8 and of NanoDet-Plus at their usual sizes. */
const YOLO = { ...REFERENCE, bins: 16, strides: [8, 16, 32], centreOffset: 0.5 };
const NANODET = { ...REFERENCE, image: 416, bins: 8, strides: [8, 16, 32, 64], centreOffset: 0 };

/** A large map with few boxes: most locations learn nothing of boxes. */
const COCO = { ...DISTILLED, batch: 4, classes: 80, width: 640, height: 640, size: 'small', teacher: 'base' } as const;

/** A step of each method that docs/study.md compares. */
const METHODS = methods.methods.map(({ recipe }) =>
  trainStepRow(`method-${recipe.name}`, {
    ...{ ...BCCD, batch: methods.settings.batch, size: 'tiny' as const, recipe: recipe as PartialRecipe },
    ...(needsTeacher(resolveRecipe(recipe as PartialRecipe)) && { teacher: methods.teacher as DetectorSize }),
  }),
);

/** All rows, in the order of the table. */
export const ROWS: readonly (Row | FirstCallRow)[] = [
  headLossRow('head-loss', REFERENCE),
  headLossRow('head-loss-bckd', { ...REFERENCE, recipe: 'bckd' }),
  ...Object.entries(HEADS).map(([name, size]) => headLossRow(`head-loss-${name}`, size)),
  listsRow('regions', REFERENCE),
  listsRow('regions-1280', LARGE),
  listsRow('regions-finegrained', REFERENCE, 'finegrained'),
  listsRow('regions-finegrained-1280', LARGE, 'finegrained'),
  assignerRow('assign-task-aligned', 'task-aligned', YOLO),
  assignerRow('assign-dynamic-soft-label', 'dynamic-soft-label', NANODET),
  mapsRow('regions-maps', REFERENCE),
  mapsRow('regions-maps-1280', LARGE),
  denseRowsRow('rows-ld-dfl', { ...EDGES, layout: 'rows' }),
  denseRowsRow('maps-ld-dfl', { ...EDGES, layout: 'maps' }),
  trainStepRow('train-step', OWN_STEP),
  trainStepRow('train-step-ld', DISTILLED),
  ...SHARED_CONVOLUTIONS[0],
  groupNormRow('group-norm', { batch: 2, channels: 64, levels: MAPS }),
  ...[
    trainStepRow('train-step-f16', { ...OWN_STEP, precision: 'f16' }),
    trainStepRow('train-step-ld-f16', { ...DISTILLED, precision: 'f16' }),
    trainStepRow('train-step-recompute', { ...OWN_STEP, recompute: true }),
    trainStepRow('train-step-ld-recompute', { ...DISTILLED, recompute: true }),
    trainStepRow('train-step-base', { ...DISTILLED, size: 'base', teacher: 'base' }),
    trainStepRow('train-step-640', COCO),
    trainStepGraphRow('train-step-nanodet', { size: 320, batch: 8 }),
    trainStepGraphRow('train-step-nanodet-recompute', { size: 320, batch: 8, recompute: true }),
    trainStepGraphRow('train-step-nanodet-f16', { size: 320, batch: 8, precision: 'f16' }),
    ...SHARED_CONVOLUTIONS.slice(1).flat(),
    ...MORE_CONVOLUTIONS,
    ...graphOpsRows(),
    groupNormRow('group-norm-pyramid', { batch: 4, channels: 64, levels: PYRAMID }),
    ...METHODS,
    firstHeadLossRow('first-head-loss', REFERENCE),
    firstTrainStepRow('first-train-step', OWN_STEP),
  ].map((row) => ({ ...row, onlyFull: true })),
];
