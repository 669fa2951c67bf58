import { assertTruth } from '../regions/argument.js';
import type { Assignment } from '../regions/assignment.js';
import { assertDistances } from '../regions/binValues.js';
import type { Truth } from '../regions/truth.js';
import { assertMaps, tensorOf } from '../tensor/layout.js';
import { assertPyramid } from '../tensor/pyramid.js';
import type { Tensor } from '../tensor/tensor.js';
import { assertTensor } from '../tensor/tensorArgument.js';
import { anything, fields, optional, options as optionsOf } from '../util/argument.js';
import { brief } from '../util/brief.js';
import { InputError } from '../util/error.js';
import { assertTargets, type GradientTargets } from './headGradients.js';
import type { HeadOutputs } from './headOutputs.js';
import type { HeadShape } from './headSetting.js';
import { distilsBoxes, hasLd, isRegionless, needsTeacher, type Recipe } from './recipe.js';

/** What `HeadLoss.evaluate` compares. */
export interface HeadLossInput {
  /** Of the net that learns. */
  student: HeadOutputs;
  /** Needed where the recipe distils and `distillation` is above 0. Nothing flows back into it. */
  teacher?: HeadOutputs;
  /** With `cross`: the teacher's head's logits for the student's features (CrossKD), on the student's levels, with the teacher's bins. */
  cross?: Pick<HeadOutputs, 'classLogits' | 'boxLogits'>;
  /** Factor of every distillation term in this step, such as `distillationAt` gives it; 1 unless given. 0: no teacher is needed. */
  distillation?: number;
  /** The objects of the same images, from `uploadTruth`. With an assignment only imitation by boxes needs them. */
  truth?: Truth;
  /** Who learns what, from `assignmentOf` or an assigner, instead of the recipe's assigner. */
  assignment?: Assignment;
  /** Tensors of the caller's that the gradients are written into; new ones unless given. */
  gradients?: GradientTargets;
}

/** Checks the form of an input, before its fields are looked at. */
export const inputOf = optionsOf({
  student: anything,
  cross: optional(fields({})),
  distillation: anything,
  assignment: optional(fields({})),
  gradients: optional(fields({})),
});
const OUTPUTS = fields({ classLogits: anything, boxLogits: anything });

/** Checks what `HeadLoss.evaluate` is given, before anything is recorded. @throws InputError that names what does not fit the head */
export function assertInput(setting: HeadShape, input: HeadLossInput): void {
  const { device, recipe, classes, bins, batch, grid } = setting;
  const { student, teacher, truth, assignment, distillation = 1, gradients = {} } = input;
  if (truth !== undefined || assignment === undefined) assertTruth('truth', truth, device);
  for (const [name, made] of Object.entries({ truth, assignment })) {
    if (!made || (made.batch === batch && made.classes === classes)) continue;
    throw new InputError(
      `${name}: made for ${made.batch} images and ${made.classes} classes; expected ${batch} and ${classes}.`,
    );
  }
  if (assignment) assertTensor('assignment.samples', assignment.samples, { type: 'u32', device });
  if (assignment && assignment.locations !== grid.locations) {
    throw new InputError(
      `assignment: made for ${assignment.locations} locations an image; this head has ${grid.locations}.`,
    );
  }
  if (assignment && !truth && recipe.imitation.weight > 0 && !isRegionless(recipe.imitation.method)) {
    throw new InputError(`truth: recipe ${recipe.name} imitates features by the boxes; give them with the assignment.`);
  }
  if (!Number.isFinite(distillation) || distillation < 0) {
    throw new InputError(`distillation: ${brief(distillation)}; expected a factor of at least 0.`);
  }
  if (!teacher && distillation > 0 && needsTeacher(recipe)) {
    throw new InputError(
      `teacher: recipe ${recipe.name} distils; give the teacher's outputs, or use the recipe gfocal.`,
    );
  }
  const read: Tensor[] = [];
  for (const [name, outputs] of Object.entries({ student, ...(teacher && { teacher }) })) {
    OUTPUTS(name, outputs);
    const { classLogits, boxLogits, features } = outputs;
    const head = name === 'teacher' ? setting.teacher : { grid, bins };
    const shared = { device, batch, areas: head.grid.areas };
    const meaning = 'classes; both nets need the same';
    assertMaps(`${name}.classLogits`, classLogits, { ...shared, channels: classes, meaning });
    const edges = `4 edges × ${head.bins} bins${name === 'teacher' ? '; say where its head differs, as options.teacher' : ''}`;
    assertMaps(`${name}.boxLogits`, boxLogits, { ...shared, channels: 4 * head.bins, meaning: edges });
    read.push(tensorOf(classLogits), tensorOf(boxLogits));
    if (distillation * recipe.imitation.weight > 0) {
      if (!features) throw new InputError(`${name}.features: recipe ${recipe.name} imitates features; give them.`);
      assertPyramid(`${name}.features`, features, device);
      const { channels } = student.features ?? features;
      const meaning = "the student's width; project it to the teacher's, as by a 1×1 convolution";
      assertMaps(`${name}.features`, features, { ...shared, channels, meaning });
    }
  }
  for (const [name, tensor] of Object.entries(gradients)) {
    if (tensor !== undefined) assertTensor(`gradients.${name}`, tensor, { device });
  }
  assertTargets(student, gradients, read);
}

/** @throws InputError for what a head that differs so cannot teach; it names what it can */
export function assertTeacherFits({
  recipe,
  bins,
  teacher,
}: Pick<HeadShape, 'bins' | 'teacher'> & {
  recipe: Pick<Recipe, 'name' | 'box' | 'ld' | 'iouLd' | 'cross' | 'imitation'>;
}): void {
  const { name, box, cross, imitation } = recipe;
  const isCrossed = cross.convolutions > 0;
  if (isCrossed && teacher.isMapped) {
    throw new InputError(
      `teacher: recipe ${name} puts the student's features through the teacher's head (cross), so both heads need the same strides and image size; set cross.convolutions to 0, or take another teacher.`,
    );
  }
  if (teacher.bins === 1 && (bins > 1 || isCrossed) && hasLd(recipe)) {
    throw new InputError(
      `teacher.bins: 1, distances without distributions, so recipe ${name} has nothing for ld to distil; set ld.main, ld.vlr and ld.all to 0 and distil by kd, iouLd or box.bounded.`,
    );
  }
  // What crosses has the teacher's bins.
  const readsBoxes = (distilsBoxes(recipe) && !isCrossed) || box.bounded > 0 || imitation.method.startsWith('gibox');
  if (teacher.isRebinned && readsBoxes && box.parameters === 'offset') {
    throw new InputError(
      `teacher: recipe ${name} has box.parameters offset, whose bins are not brought into others; give a teacher of the same bins, centre offset, strides and image size, or distil by kd alone.`,
    );
  }
}

/** @throws InputError for tables of heads whose bins mean offsets */
export function assertProjections({
  recipe,
  projection,
  teacher,
}: Pick<HeadShape, 'recipe' | 'projection' | 'teacher'>) {
  const { parameters } = recipe.box;
  assertDistances('projection', projection, parameters);
  assertDistances('teacher.projection', teacher.projection, parameters);
}

/** @throws InputError for what a head needs distributions for */
export function assertNoDistributions({ name, box, ld, imitation }: Recipe): void {
  if (hasLd({ ld })) {
    throw new InputError(
      `recipe ${name}: ld distils distributions, and a head of one bin has none; set ld.main, ld.vlr and ld.all to 0 and distil by kd, iouLd or box.bounded.`,
    );
  }
  if (box.parameters === 'offset') throw new InputError(`recipe ${name}: box.parameters offset needs bins; use ltrb.`);
  if (imitation.method.startsWith('gibox')) {
    throw new InputError(`recipe ${name}: imitation.method ${imitation.method} needs bins; imitate another region.`);
  }
}
