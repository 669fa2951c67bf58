import { ParameterStore } from '../autograd/parameters.js';
import type { Variable } from '../autograd/variable.js';
import { architectureOf } from '../detector/config.js';
import type { Detector } from '../detector/detector.js';
import type { HeadLogits, TowerFeatures } from '../detector/head.js';
import { alignChannels } from '../losses/alignChannels.js';
import type { Recipe } from '../losses/recipe.js';
import { conv2d } from '../ops/conv2d.js';
import type { Pyramid } from '../tensor/pyramid.js';
import { Random } from '../tensor/random.js';
import { InputError } from '../util/error.js';
import { Optimizer } from './optimizer.js';
import type { TrainSettings } from './settings.js';
import type { TeacherOutputs } from './teacher.js';
import { assertTowers } from './towers.js';

/** In the order of their projections' seeds. */
const TOWERS = ['classTower', 'boxTower'] as const;

/**
 * CrossKD (Wang et al., CVPR 2024): the student's tower features, with the teacher's channel statistics, go through the rest of the teacher's
 * frozen head. They are taken before as many of the student's convolutions as the teacher's still has to come, but at least after its first.
 * Towers of another width go through a 1×1 convolution first, which learns with the student and is no part of it (the paper's nets have the
 * same width).
 */
export class CrossHead {
  /** The student's tower convolution whose features cross. */
  readonly tower: number;
  /** The teacher's that they stand in for. */
  readonly teacherTower: number;
  /** Of the convolutions between towers of different widths; null where none are needed. */
  readonly optimizer: Optimizer | null;
  readonly #teacher: Detector;
  readonly #recompute: boolean;

  /** @throws InputError when the teacher's towers have not more convolutions than are to be passed */
  constructor(student: Detector, teacher: Detector, { name, cross }: Recipe, settings: TrainSettings) {
    const [own, others] = [architectureOf(student.config), architectureOf(teacher.config)];
    assertTowers({ name, cross }, teacher.config.size);
    this.tower = Math.max(1, own.tower - cross.convolutions);
    this.teacherTower = others.tower - cross.convolutions;
    this.#teacher = teacher;
    this.#recompute = settings.recompute;
    this.optimizer =
      own.features === others.features ? null : projections(student, own.features, others.features, settings);
  }

  /** The teacher's head on the student's features, through which gradients flow. @param own features of `tower` @param teacher likewise */
  logits(own: Partial<TowerFeatures>, teacher: TeacherOutputs): HeadLogits {
    const [classTower, boxTower] = TOWERS.map((name) => {
      const [student, wanted] = [own[name], teacher[name]];
      if (!student || !wanted) throw new InputError(`${name}: no features; both nets give them for their towers.`);
      return alignChannels(this.#projected(name, student), wanted);
    });
    return this.#teacher.finishHead({ classTower, boxTower }, this.teacherTower, { recompute: this.#recompute });
  }

  #projected(name: string, features: Variable<Pyramid>): Variable<Pyramid> {
    return this.optimizer ? conv2d(features, this.optimizer.parameters.get(name), null) : features;
  }

  dispose(): void {
    this.optimizer?.parameters.dispose();
    this.optimizer?.dispose();
  }
}

/** Random 1×1 convolutions that keep the variance; alignChannels standardises it anyway. */
function projections({ parameters: { device } }: Detector, own: number, width: number, settings: TrainSettings) {
  const deviation = Math.sqrt(1 / own);
  const declarations = TOWERS.map((name, index) => {
    const random = Random.of(settings.seed, own, width, index);
    const initial = Float32Array.from({ length: width * own }, () => deviation * random.normal());
    return { name, shape: [width, own, 1, 1], decay: true, initial };
  });
  return new Optimizer(new ParameterStore(device, declarations), { ...settings, ema: 0 });
}
