import { ParameterStore } from '../autograd/parameters.js';
import type { Variable } from '../autograd/variable.js';
import { architectureOf } from '../detector/config.js';
import type { Detector } from '../detector/detector.js';
import { isCross, needsTeacher, type Recipe } from '../losses/recipe.js';
import { conv2d } from '../ops/conv2d.js';
import type { Pyramid } from '../tensor/pyramid.js';
import { Random } from '../tensor/random.js';
import { InputError } from '../util/error.js';
import { assertComparable, formOf } from './comparable.js';
import { CrossHead } from './crossHead.js';
import { Optimizer } from './optimizer.js';
import { provenanceOf } from './provenance.js';
import type { TrainSettings } from './settings.js';
import { type Teacher, teacherOf } from './teacher.js';

/** A detector that learns, and what it learns with. */
export interface Learner {
  /** What learns. */
  detector: Detector;
  /** Of the detector's parameters. */
  optimizer: Optimizer;
  /** Frozen; null where the recipe does not distil. */
  teacher: Teacher | null;
  /** Null where no features are imitated, or both nets' have the same width. */
  adapter: FeatureAdapter | null;
  /** Null where the recipe has no `cross`. */
  cross: CrossHead | null;
  /** Disposes all but detector and teacher. */
  dispose(): void;
}

/**
 * Gives a detector its optimizer, and the teacher and the feature adapter that the recipe asks for.
 * @throws InputError when the recipe distils and there is no teacher, or when there is one that is not comparable
 */
export function makeLearner(
  detector: Detector,
  given: Detector | Teacher | undefined,
  recipe: Recipe,
  settings: TrainSettings,
): Learner {
  const teacher = chooseTeacher(given, detector, recipe);
  const optimizer = new Optimizer(detector.parameters, settings);
  const own = architectureOf(detector.config).features;
  const teacherWidth = teacher ? teacher.featureChannels : own;
  const adapter =
    recipe.imitation.weight > 0 && own !== teacherWidth
      ? new FeatureAdapter(detector, own, teacherWidth, settings)
      : null;
  const cross = teacher && isCross(recipe) ? crossHead(detector, teacher, recipe, settings) : null;
  const dispose = () => {
    cross?.dispose();
    adapter?.dispose();
    optimizer.dispose();
  };
  return { detector, optimizer, teacher, adapter, cross, dispose };
}

/** What may learn with the student and is no part of it: the first words of its tensors' names in a checkpoint. */
export const COMPANIONS = ['adapter', 'cross'] as const;

/** What does, and its optimizer. */
export function companionsOf(learner: Pick<Learner, (typeof COMPANIONS)[number]>): [name: string, Optimizer][] {
  return COMPANIONS.flatMap((name) => {
    const optimizer = learner[name]?.optimizer;
    return optimizer ? [[name, optimizer]] : [];
  });
}

function crossHead(detector: Detector, teacher: Teacher, recipe: Recipe, settings: TrainSettings): CrossHead {
  if (teacher.detector) return new CrossHead(detector, teacher.detector, recipe, settings);
  throw new InputError(
    `recipe ${recipe.name} sends the student's features through the teacher's head, which only a teacher trained with edgewise gives; take another recipe, such as bckd.`,
  );
}

/**
 * A 1×1 convolution that brings the student's features to the teacher's width, so that they can be compared: the regressor
 * of FitNets (Romero et al., ICLR 2015). It learns with the student and is no part of it. (The LD papers' nets have the
 * same width and need none.)
 */
class FeatureAdapter {
  /** Of its own parameters. */
  readonly optimizer: Optimizer;

  constructor({ parameters: { device } }: Detector, own: number, teacherWidth: number, settings: TrainSettings) {
    const random = Random.of(settings.seed, own, teacherWidth);
    const deviation = Math.sqrt(1 / own); // keeps the variance: no ReLU follows
    const initial = Float32Array.from({ length: teacherWidth * own }, () => deviation * random.normal());
    const declaration = { name: 'weight', shape: [teacherWidth, own, 1, 1], decay: true, initial };
    this.optimizer = new Optimizer(new ParameterStore(device, [declaration]), { ...settings, ema: 0 });
  }

  apply(features: Variable<Pyramid>): Variable<Pyramid> {
    return conv2d(features, this.optimizer.parameters.get('weight'), null);
  }

  dispose(): void {
    this.optimizer.parameters.dispose();
    this.optimizer.dispose();
  }
}

function chooseTeacher(given: Detector | Teacher | undefined, student: Detector, recipe: Recipe): Teacher | null {
  const distils = needsTeacher(recipe);
  if (!given) {
    if (!distils) return null;
    throw new InputError(`recipe ${recipe.name} distils: give a teacher, or use the recipe gfocal.`);
  }
  const teacher = teacherOf(given);
  const { classes } = provenanceOf(student);
  assertComparable(
    { owner: 'the student', config: student.config, recipe, ...(classes && { classes }) },
    formOf('the teacher', teacher),
  );
  return distils ? teacher : null;
}
