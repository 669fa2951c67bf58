/** Random inputs of the head loss, with all that its assignment may meet. */
import fc from 'fast-check';
import { type ImitationMethod, type PartialRecipe, resolveRecipe } from '../../src/losses/recipe.js';
import type { Box } from '../reference/boxes.js';
import { type TeacherForm, teacherViews } from '../reference/rebin.js';
import type { HeadSizes, ImageTruth } from '../reference/types.js';
import { SIZES } from './headCase.js';
import { FORMS, type FormName } from './headLayouts.js';

export interface HeadCase {
  sizes: HeadSizes;
  recipe: PartialRecipe;
  truth: ImageTruth[];
  /** How logits lie, and whether boxes and classes share a tensor. */
  form: FormName;
  together: boolean;
  seed: number;
  /** Deviation of the logits. */
  scale: number;
  /** Factor of every distillation term. */
  distillation: number;
  /** In what the teacher's head differs. */
  teacher?: TeacherForm;
}

const some = <T>(...values: T[]) => fc.constantFrom(...values);

/** What makes a variant of a kernel comes in a few sets only; numbers of a recipe are uniforms, of which any may be drawn. */
const VARIANTS: (PartialRecipe & { regions: object })[] = [
  {
    regions: { vlr: 'paper' },
    classification: { loss: 'qfl', beta: 2 },
    box: { form: 'giou', parameters: 'ltrb' },
  },
  {
    regions: { vlr: 'reference' },
    classification: { loss: 'qfl', beta: 1.5 },
    box: { form: 'ciou', parameters: 'offset' },
    ld: { weights: 'none' },
  },
  {
    regions: { vlr: 'paper' },
    classification: { loss: 'varifocal', target: 'assigned', beta: 2 },
    box: { form: 'giou', weights: 'target-score' },
    ld: { weights: 'teacher-score' },
  },
  {
    regions: { assigner: 'task-aligned', vlr: 'paper' },
    classification: { loss: 'bce', target: 'assigned' },
    box: { form: 'ciou-ultralytics', weights: 'target-score' },
    ld: { weights: 'target-score' },
  },
  {
    regions: { assigner: 'dynamic-soft-label', vlr: 'reference' },
    classification: { loss: 'qfl', target: 'assigned', beta: 2 },
    box: { form: 'giou' },
  },
  {
    regions: { vlr: 'paper' },
    classification: { loss: 'qfl', beta: 2 },
    box: { form: 'giou' },
    kd: { main: 0, vlr: 0, all: 2, form: 'focal-binary', temperature: 1, beta: 1 },
    ld: { reduction: 'sum' },
    iouLd: { region: 'all', form: 'giou', weights: 'score-difference' },
  },
  {
    regions: { assigner: 'task-aligned', vlr: 'paper' },
    classification: { loss: 'bce', target: 'assigned' },
    box: { form: 'ciou-ultralytics', weights: 'target-score' },
    kd: { main: 0, vlr: 0, all: 2, form: 'binary' },
    ld: { main: 0, vlr: 0, all: 3, weights: 'teacher-score', normaliser: 'weights' },
    iouLd: { form: 'giou', weights: 'none' },
  },
];

const recipes = fc
  .record({
    variant: some(...VARIANTS),
    regions: fc.record({
      topk: some(1, 4, 9, 32),
      octaveScale: some(5, 8),
      centreOffset: some(0, 0.5),
      ignoreIofThreshold: some(-1, 0.4),
      gamma: some(0, 0.25, 0.9),
    }),
    classification: fc.record({
      weight: some(0, 1),
      alpha: some(0.5, 0.75),
      normaliser: some('images', 'positives', 'scores', 'none'),
    }),
    box: fc.record({
      weight: some(0, 2),
      bounded: some(0, 0.5),
      normaliser: some('weights', 'clamped-weights', 'positives', 'scores', 'none'),
    }),
    dfl: fc.record({ weight: some(0, 0.25), margin: some(0.1, 0.5) }),
    ld: fc.record({
      main: some(0, 0.25),
      vlr: some(0, 0.3),
      temperature: some(1, 10),
      normaliser: some('reference', 'weights', 'scores', 'positives', 'images', 'none'),
    }),
    kd: fc.record({
      main: some(0, 10),
      vlr: some(0, 7),
      temperature: some(1, 5),
      form: some('softmax', 'binary'),
      normaliser: some('level', 'region', 'positives', 'images', 'scores', 'none'),
      needsPositives: fc.boolean(),
      weightPer: some('location', 'classes'),
    }),
    iouLd: fc.record({
      weight: some(0, 4),
      region: fc.constant('main'),
      weights: fc.constant('teacher-score'),
      normaliser: some('images', 'positives', 'scores', 'weights', 'none'),
      needsPositives: fc.boolean(),
    }),
    taskAligned: fc.record({ topk: some(1, 3, 13), alpha: some(0.5, 1), beta: some(1, 6) }),
    dynamicSoftLabel: fc.record({ topk: some(1, 5, 13), iouWeight: some(0, 3) }),
    scale: some('none', 'batch'),
    imitation: fc.record({
      method: some<ImitationMethod>(
        ...(['whole', 'inside', 'main', 'finegrained', 'decouple', 'gibox', 'gibox-image'] as const),
        ...(['cwd', 'pkd', 'score-weighted'] as const),
      ),
      weight: some(0, 2),
      temperature: some(1, 3),
      background: some(0.5, 3),
      needsPositives: fc.boolean(),
    }),
  })
  .map(({ variant, ...drawn }) => {
    const sections = Object.entries(drawn).map(([name, section]) =>
      typeof section === 'object'
        ? [name, { ...section, ...(variant[name as keyof PartialRecipe] as object) }]
        : [name, section],
    );
    return resolveRecipe(Object.fromEntries(sections));
  });

const sizes = fc.record({
  width: fc.integer({ min: 20, max: 120 }),
  height: fc.integer({ min: 20, max: 120 }),
  strides: some([8, 16, 32], [32, 16, 8], [16, 8, 32], [8, 16], [16]),
  batch: fc.integer({ min: 1, max: 3 }),
  classes: fc.integer({ min: 1, max: 7 }),
  bins: fc.constant(SIZES.bins),
});

/**
 * Any box; or one about a lattice point whose IoU with the anchors there is the same on two neighbouring levels. Coordinates are
 * eighths of pixels: areas, distances and mirror images are exact in f32, so that what is equal stays so.
 */
function boxes({ width, height, strides }: HeadSizes): fc.Arbitrary<Box> {
  const between = (min: number, max: number) =>
    fc.integer({ min: 4 * min, max: 4 * max }).map((quarters) => quarters / 4);
  const any = fc
    .tuple(between(0, width), between(0, height), between(3, width), between(3, height))
    .map(([x, y, w, h]) => centredBox(x, y, w, h));
  const [fine, coarse] = [Math.min(...strides), Math.max(...strides)];
  const point = (size: number) => fc.nat(Math.floor(size / coarse)).map((cell) => cell * coarse);
  const centred = fc
    .tuple(point(width), point(height), fc.boolean())
    .map(([x, y, wide]) => centredBox(x, y, wide ? 16 * fine : 8 * fine, wide ? 8 * fine : 16 * fine));
  return fc.oneof({ weight: 3, arbitrary: any }, { weight: 1, arbitrary: centred });
}

export function centredBox(x: number, y: number, width: number, height: number): Box {
  return [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
}

/** Some objects follow one another: twice the same box, of whatever classes, or one and its mirror image. */
function truths(given: HeadSizes): fc.Arbitrary<ImageTruth> {
  const object = fc.record({
    box: boxes(given),
    label: fc.nat(given.classes - 1),
    is: some('itself', 'itself', 'the one before', 'its mirror image'),
  });
  const coarse = Math.max(...given.strides);
  return fc
    .tuple(fc.array(object, { maxLength: 4 }), fc.array(boxes(given), { maxLength: 2 }))
    .map(([objects, ignore]) => {
      const found: Box[] = [];
      for (const { box, is } of objects) {
        const [x1, y1, x2, y2] = found.at(-1) ?? box;
        if (is === 'the one before') found.push([x1, y1, x2, y2]);
        else if (is === 'its mirror image') found.push([2 * coarse - x2, y1, 2 * coarse - x1, y2]);
        else found.push(box);
      }
      return { boxes: found, labels: objects.map(({ label }) => label), ignore };
    });
}

export const headCases: fc.Arbitrary<HeadCase> = sizes.chain((given) =>
  fc.record({
    sizes: fc.constant(given),
    recipe: recipes,
    truth: fc.array(truths(given), { minLength: given.batch, maxLength: given.batch }),
    form: some(...(Object.keys(FORMS) as FormName[])),
    together: fc.boolean(),
    seed: fc.nat(1e6),
    scale: some(0.5, 3),
    distillation: some(1, 1, 0.3, 0),
  }),
);

/** Teachers of other heads. Of one bin they have no distributions, so LD is left out. */
export const teacherCases: fc.Arbitrary<HeadCase> = headCases.chain((given) => {
  const { width, height, strides } = given.sizes;
  const sizesOf = (scale: number) => ({ width: Math.round(scale * width), height: Math.round(scale * height) });
  return fc
    .record({
      bins: some(1, 2, 5, 8, 11, 16, 17, 33),
      centreOffset: some(0, 0.5, 0.25),
      strides: some(strides, [...strides].reverse(), [8, 16, 32, 64], [16, 32], [32, 8], [6, 12, 24]),
      imageSize: some(1, 1, 1.5, 2, 0.75).map(sizesOf),
      levels: some('close' as const, 'nearest' as const),
    })
    .map((teacher) => {
      const { recipe } = given;
      const box = { ...recipe.box, parameters: 'ltrb' as const };
      const ld = { ...recipe.ld, ...(teacher.bins === 1 && { main: 0, vlr: 0, all: 0 }) };
      return { ...given, teacher, recipe: resolveRecipe({ ...recipe, box, ld }) };
    })
    .filter(({ sizes, recipe, teacher }) => {
      return teacherViews(sizes, recipe.regions?.centreOffset ?? 0, teacher).some((view) => view !== null);
    });
});
