import { HeadLoss } from '../losses/headLoss.js';
import { TERM_NAMES, type TermName } from '../losses/headTerms.js';
import { type Recipe, resolveRecipe } from '../losses/recipe.js';
import { type Grid, makeGrid } from '../regions/grid.js';
import { type GroundTruth, uploadTruth } from '../regions/truth.js';
import type { Device } from '../tensor/device.js';
import { Pyramid } from '../tensor/pyramid.js';
import { shortened } from '../util/readable.js';
import { type Deviation, deviation } from './deviation.js';
import { type GoldenFile, isStrides, readTruth } from './goldenFile.js';

/** Heads that have golden cases -> the recipe of theirs. */
const RECIPES = { 'task-aligned': 'yolov8', 'dynamic-soft-label': 'nanodet-plus' } as const;

/** A positive of lower target score has no effect on any loss, and rounding decides whether it is one. */
const MIN_SCORE = 1e-9;

/** Logits of a level, [B, C, H, W] and [B, 4·bins, H, W]. */
export interface LevelLogits {
  /** Class logits. */
  cls: Float32Array;
  /** Box logits. */
  reg: Float32Array;
}

/** What each location of a level was assigned, [B, H·W]. */
export interface HeadAssignment {
  /** Class of a positive, or `classes`. */
  label: Float32Array;
  /** Target score, 0 elsewhere. */
  score: Float32Array;
  /** [B, H·W, 4] box of a positive, pixels. */
  box: Float32Array;
}

/** One call of the loss of another head (YOLOv8 to YOLO12, NanoDet-Plus), with what its code assigned and gave. */
export interface GoldenHeadCase {
  /** Where it was read from. */
  file: string;
  /** Which head. */
  head: keyof typeof RECIPES;
  /** Images. */
  batch: number;
  /** Number of classes. */
  classes: number;
  /** Bins of an edge. */
  bins: number;
  /** Image size and strides. */
  grid: Grid;
  /** The head's recipe with the figures of the case. */
  recipe: Recipe;
  /** The objects. */
  truth: GroundTruth;
  /** By level. */
  student: LevelLogits[];
  /** Of `total`, by level. */
  gradients: LevelLogits[];
  /** By level. */
  assignment: HeadAssignment[];
  /** Of each term over all levels. */
  losses: Partial<Record<TermName, number>>;
  /** The sum of the terms. */
  total: number;
}

/** Whether a file holds a case of another head. */
export function isGoldenHead(metadata: Record<string, string>): boolean {
  return 'head' in metadata;
}

/**
 * The case of another head in a file.
 * @throws InputError the file holds none: it names the key and what was expected
 */
export function parseGoldenHead(read: GoldenFile): GoldenHeadCase {
  const head = read.text('head');
  if (!Object.hasOwn(RECIPES, head)) {
    throw read.wrong(
      `metadata head is ${shortened(head, 60)}`,
      `one of ${Object.keys(RECIPES).join(', ')}, bckd, onnx-graph`,
    );
  }
  const name = head as keyof typeof RECIPES;
  const [batch, classes, bins] = [read.integer('batch'), read.integer('classes'), read.integer('regMax') + 1];
  const recipe = recipeOf(read, name);
  const grid = makeGrid({
    imageSize: { width: read.integer('width'), height: read.integer('height') },
    strides: read.json('strides', 'a list of 1 to 8 strides in pixels', isStrides),
    centreOffset: recipe.regions.centreOffset,
  });
  const logits = (key: string) =>
    grid.levels.map(({ height, width }, level) => ({
      cls: read.tensor(`${key}.cls.${level}`, [batch, classes, height, width]),
      reg: read.tensor(`${key}.reg.${level}`, [batch, 4 * bins, height, width]),
    }));
  return {
    file: read.file,
    head: name,
    batch,
    classes,
    bins,
    grid,
    recipe,
    truth: readTruth(read, batch, classes),
    student: logits('student'),
    gradients: logits('grad'),
    assignment: grid.areas.map((area, level) => ({
      label: read.tensor(`assign.label.${level}`, [batch, area]),
      score: read.tensor(`assign.score.${level}`, [batch, area]),
      box: read.tensor(`assign.box.${level}`, [batch, area, 4]),
    })),
    losses: read.json('losses', `some of ${TERM_NAMES.join(', ')}, a number each`, isLosses),
    total: read.number('total', -Infinity),
  };
}

function recipeOf(read: GoldenFile, head: keyof typeof RECIPES): Recipe {
  const base = resolveRecipe(RECIPES[head]);
  const regions = { ...base.regions, centreOffset: read.number('centreOffset', -Infinity) };
  const topk = read.integer('topk');
  if (head === 'dynamic-soft-label') {
    return resolveRecipe({ ...base, regions, dynamicSoftLabel: { topk, iouWeight: read.number('iouFactor', 0) } });
  }
  const gains = read.json('gains', 'numbers box, cls and dfl', isGains);
  return resolveRecipe({
    ...base,
    regions,
    taskAligned: {
      ...base.taskAligned,
      topk,
      alpha: read.number('alpha', 0),
      beta: read.number('beta', 0),
      overlap: read.text('metric') === 'iou' ? 'iou' : 'ciou',
      masked: read.text('overlaps') === 'masked',
    },
    classification: { ...base.classification, weight: gains.cls },
    box: { ...base.box, weight: gains.box },
    dfl: { ...base.dfl, weight: gains.dfl },
  });
}

/**
 * Computes the case on the device and compares labels, boxes, target scores, terms, total and gradients.
 * @returns one entry a quantity: `label.0`, `score.0`, `loss_bbox`, `total`, `grad.cls.0` …
 */
export async function checkGoldenHead(device: Device, golden: GoldenHeadCase): Promise<Deviation[]> {
  const { batch, classes, bins, grid, recipe } = golden;
  const { imageSize, strides } = grid;
  const upload = (levels: Float32Array[]) => {
    const packed = device.tensor(Float32Array.from(levels.flatMap((level) => [...level])));
    return Pyramid.of(packed, batch, packed.size / (batch * grid.locations), grid.levels);
  };
  const [values, maps, cls, reg] = await device.tidy(() => {
    const truth = uploadTruth(device, golden.truth, golden);
    const student = {
      classLogits: upload(golden.student.map(({ cls }) => cls)),
      boxLogits: upload(golden.student.map(({ reg }) => reg)),
    };
    const loss = new HeadLoss(device, { classes, bins, strides, imageSize, batch, recipe });
    const result = loss.evaluate({ student, truth });
    const { label, matched, score } = result.regions();
    // Each read records its copy at once, before `tidy` takes the tensors back.
    return Promise.all([
      result.read(),
      Promise.all([label.read(), matched.read(), score.read()]),
      result.gradients.classLogits.read(),
      result.gradients.boxLogits.read(),
    ]);
  });
  const found: Deviation[] = [];
  const [label, matched, score] = maps;
  const { boxes } = golden.truth;
  let start = 0;
  for (const [level, expected] of golden.assignment.entries()) {
    const own = Array.from(expected.label, (_, i) => {
      const at = start + i;
      // Without effect: it may be a positive or not.
      const counts = Math.max(score[at], expected.score[i]) > MIN_SCORE;
      const box = [0, 1, 2, 3].map((edge) =>
        counts && matched[at] >= 0 ? boxes[4 * matched[at] + edge] : expected.box[4 * i + edge],
      );
      return { label: counts ? label[at] : expected.label[i], box };
    });
    const scores = expected.score.map((_, i) => score[start + i]);
    start += expected.label.length;
    found.push(
      deviation(
        `label.${level}`,
        own.map((one) => one.label),
        expected.label,
        'exact',
      ),
    );
    found.push(
      deviation(
        `box.${level}`,
        own.flatMap((one) => one.box),
        expected.box,
        'close',
      ),
    );
    found.push(deviation(`score.${level}`, scores, expected.score, 'close'));
  }
  for (const [name, value] of Object.entries(golden.losses)) {
    const sum = values.terms[name as TermName].reduce((total, term) => total + term, 0);
    found.push(deviation(name, [sum], [value], 'close'));
  }
  found.push(deviation('total', [values.total], [golden.total], 'close'));
  for (const [name, gradient] of Object.entries({ cls, reg })) {
    let first = 0;
    for (const [level, expected] of golden.gradients.entries()) {
      const wanted = expected[name as keyof LevelLogits];
      const own = wanted.map((_, i) => gradient[first + i]);
      first += wanted.length;
      found.push(deviation(`grad.${name}.${level}`, own, wanted, 'close'));
    }
  }
  return found;
}

function isLosses(value: unknown): value is Partial<Record<TermName, number>> {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.entries(value).every(
      ([name, term]) => (TERM_NAMES as readonly string[]).includes(name) && typeof term === 'number',
    )
  );
}

function isGains(value: unknown): value is { box: number; cls: number; dfl: number } {
  const gains = (value ?? {}) as Record<string, unknown>;
  return ['box', 'cls', 'dfl'].every((name) => typeof gains[name] === 'number');
}
