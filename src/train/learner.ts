import { architectureOf } from '../detector/config.js';
import type { Detector } from '../detector/detector.js';
import { isCross, needsTeacher, type Recipe } from '../losses/recipe.js';
import { InputError } from '../util/error.js';
import { assertComparable, formOf } from './comparable.js';
import { CrossHead } from './crossHead.js';
import { Optimizer } from './optimizer.js';
import { makeProjector, type Projector } from './projector.js';
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
  /** Null where no features are compared, or both nets' have the same width and the recipe asks for none. */
  adapter: Projector | null;
  /** Null where the recipe has no `cross`. */
  cross: CrossHead | null;
  /** What of the teacher's head is brought into the student's, in a line; null where it is the same, or there is no teacher. */
  notice: string | null;
  /** Disposes all but detector and teacher. */
  dispose(): void;
}

/**
 * Gives a detector its optimizer, the teacher and the projector of features that the recipe asks for.
 * @throws InputError when the recipe distils and there is no teacher, or when there is one that is not comparable
 */
export function makeLearner(
  detector: Detector,
  given: Detector | Teacher | undefined,
  recipe: Recipe,
  settings: TrainSettings,
): Learner {
  const { teacher, notice } = chooseTeacher(given, detector, recipe);
  const optimizer = new Optimizer(detector.parameters, settings);
  const own = architectureOf(detector.config).features;
  const sizes = {
    device: detector.parameters.device,
    own,
    teacher: teacher?.featureChannels ?? own,
    levels: detector.config.strides.length,
  };
  const adapter = makeProjector(recipe, sizes, settings);
  const cross =
    teacher?.detector && isCross(recipe) ? new CrossHead(detector, teacher.detector, recipe, settings) : null;
  const dispose = () => {
    cross?.dispose();
    adapter?.dispose();
    optimizer.dispose();
  };
  return { detector, optimizer, teacher, adapter, cross, notice, dispose };
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

function chooseTeacher(
  given: Detector | Teacher | undefined,
  student: Detector,
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
