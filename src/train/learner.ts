import { Detector } from '../detector/detector.js';
import type { DetectionNet } from '../detector/net.js';
import { isCross, needsTeacher, type Recipe } from '../losses/recipe.js';
import { InputError } from '../util/error.js';
import { assertComparable, formOf } from './comparable.js';
import { CrossHead } from './crossHead.js';
import { applyGroups } from './groups.js';
import { LossScale } from './lossScale.js';
import { Optimizer } from './optimizer.js';
import { makeProjector, type Projector } from './projector.js';
import { provenanceOf } from './provenance.js';
import type { TrainSettings } from './settings.js';
import { type Teacher, teacherOf } from './teacher.js';

/** A net that learns, and what it learns with. */
export interface Learner {
  /** What learns. */
  net: DetectionNet;
  /** Of the net's parameters. */
  optimizer: Optimizer;
  /** Frozen; null where the recipe does not distil. */
  teacher: Teacher | null;
  /** Null where no features are compared, or both nets' have the same width and the recipe asks for none. */
  adapter: Projector | null;
  /** Null where the recipe has no `cross`. */
  cross: CrossHead | null;
  /** Null where maps are stored in f32. */
  lossScale: LossScale | null;
  /** Whether the backward pass computes again what the forward pass does not keep. */
  recompute: boolean;
  /** One line that says what of the teacher's head is brought into the student's; null for nothing, or without a teacher. */
  notice: string | null;
  /** Disposes all but net and teacher. */
  dispose(): void;
}

/**
 * Gives a net its optimizer, the teacher and the projector of features that the recipe asks for.
 * @throws InputError for a precision that is not the net's; when the recipe distils and there is no teacher, or one that is not comparable; for
 *   a recipe that imitates features or sends them through the teacher's head where the net has none, or of another centre offset than the net's
 */
export function makeLearner(
  net: DetectionNet,
  given: DetectionNet | Teacher | undefined,
  recipe: Recipe,
  settings: TrainSettings,
): Learner {
  assertLearns(net, recipe);
  assertPrecision(net, settings);
  const { teacher, notice } = chooseTeacher(given, net, recipe);
  const factors = applyGroups(net.parameters, settings);
  const optimizer = new Optimizer(net.parameters, settings, factors);
  const own = net.featureChannels;
  const sizes = {
    device: net.parameters.device,
    own,
    teacher: teacher?.featureChannels ?? own,
    levels: net.config.strides.length,
  };
  const adapter = makeProjector(recipe, sizes, settings);
  const cross =
    net instanceof Detector && teacher?.detector && isCross(recipe)
      ? new CrossHead(net, teacher.detector, recipe, settings)
      : null;
  const lossScale = settings.precision === 'f16' ? new LossScale(net.parameters.device) : null;
  const dispose = () => {
    lossScale?.dispose();
    cross?.dispose();
    adapter?.dispose();
    optimizer.dispose();
  };
  const { recompute } = settings;
  return { net, optimizer, teacher, adapter, cross, lossScale, recompute, notice, dispose };
}

/** What may learn with the student and is no part of it: prefixes of tensors in a checkpoint. */
export const COMPANIONS = ['adapter', 'cross'] as const;

/** Those that a learner has, with their optimizers. */
export function companionsOf(learner: Pick<Learner, (typeof COMPANIONS)[number]>): [name: string, Optimizer][] {
  return COMPANIONS.flatMap((name) => {
    const optimizer = learner[name]?.optimizer;
    return optimizer ? [[name, optimizer]] : [];
  });
}

/** @throws InputError for what a recipe asks of a net that has not got it */
function assertLearns(net: DetectionNet, { name, regions, imitation, cross }: Recipe): void {
  const { centreOffset, featureChannels } = net;
  if (centreOffset !== undefined && centreOffset !== regions.centreOffset) {
    throw new InputError(
      `recipe ${name}: regions.centreOffset is ${regions.centreOffset}, but the student's cells are measured from ${centreOffset} (its mapping's centreOffset); give the recipe that.`,
    );
  }
  if (cross.convolutions > 0 && !(net instanceof Detector)) {
    throw new InputError(
      `recipe ${name} sends features of the student's towers through the teacher's head (CrossKD), and an ONNX student has no towers that are known; take another recipe, such as bckd.`,
    );
  }
  if (imitation.weight > 0 && featureChannels === 0) {
    throw new InputError(
      `recipe ${name} imitates features, but the student's mapping names none; name them in its field features, or use a recipe without imitation, such as main-kd+main-ld+vlr-ld.`,
    );
  }
}

/** @throws InputError where a net's maps are not stored as the settings say */
function assertPrecision(net: DetectionNet, { precision }: TrainSettings): void {
  const { precision: own = 'f32' } = net;
  if (own === precision) return;
  throw new InputError(`precision: ${precision}, but the net stores its maps in ${own}; give both the same.`);
}

function chooseTeacher(
  given: DetectionNet | Teacher | undefined,
  student: DetectionNet,
  recipe: Recipe,
): { teacher: Teacher | null; notice: string | null } {
  const distils = needsTeacher(recipe);
  if (!given) {
    if (!distils) return { teacher: null, notice: null };
    throw new InputError(`recipe ${recipe.name} distils: give a teacher, or use the recipe gfocal.`);
  }
  const teacher = teacherOf(given);
  const { classes } = provenanceOf(student);
  const notice = assertComparable(
    { owner: 'the student', config: student.config, recipe, ...(classes && { classes }) },
    formOf('the teacher', teacher),
  );
  return { teacher: distils ? teacher : null, notice };
}
