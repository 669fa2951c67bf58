import type { Batch } from '../data/loader.js';
import { Detector } from '../detector/detector.js';
import type { DetectionNet, NetConfig } from '../detector/net.js';
import { type Recipe, resolveRecipe } from '../losses/recipe.js';
import type { Device } from '../tensor/device.js';
import type { Pyramid } from '../tensor/pyramid.js';
import { provenanceOf } from './provenance.js';

/** The head of a teacher, with image size and classes, which have to be the student's. */
export type TeacherConfig = NetConfig;

/** What a teacher gives for a batch. */
export interface TeacherOutputs {
  /** C channels. */
  classLogits: Pyramid;
  /** 4·bins channels, edge-major. */
  boxLogits: Pyramid;
  /** Where it has them, for imitation. */
  features?: Pyramid;
  /** Of its head's towers, where they are asked for. */
  classTower?: Pyramid;
  /** Likewise. */
  boxTower?: Pyramid;
}

/** The teacher's share of one step: `begin`, `outputs`, then, once the step is submitted, `end`. */
export interface TeacherStep {
  /** Uploads what is there already: an upload submits what is recorded, so this comes before anything is. */
  begin(): void;
  /** Records the outputs, for the caller. @param tower a head convolution whose features are wanted too; only with a `detector` */
  outputs(images: Pyramid, tower?: number): TeacherOutputs;
  /** Gives back what the step held. */
  end(): void;
}

/** A frozen net that a student learns from: one of this package, or one that runs elsewhere, such as an `OnnxTeacher`. */
export interface Teacher {
  /** Where its outputs are. */
  readonly device: Device;
  /** Its head; image size and classes have to be the student's. */
  readonly config: TeacherConfig;
  /** What computes its outputs, where that is a net on this device. */
  readonly net?: DetectionNet;
  /** A detector of this package, whose head a student's features can go through (CrossKD). */
  readonly detector?: Detector;
  /** Channels of the features it gives; 0: none, and none can be imitated. */
  readonly featureChannels: number;
  /** What its bins mean, where it says so: `evaluate` decodes its boxes accordingly, and they are brought into a student's. */
  readonly recipe?: Pick<Recipe, 'box' | 'regions'>;
  /** In the order of its class logits, where it says so: data and students must have the same. */
  readonly classes?: readonly { name: string }[];
  /** Everything that its outputs for a batch depend on, as plain JSON: a cache's key. */
  describe(): Promise<object>;
  /** Does what has to be waited for before a step, such as a forward pass on another device. */
  prepare(batch: Batch): Promise<TeacherStep>;
}

/** A teacher's outputs batch by batch, computed or read from a cache. */
export interface TeacherEpoch {
  /** For the batches in their order. */
  step(batch: Batch): Promise<TeacherStep>;
  close(): Promise<void>;
}

/** A net as a teacher; other teachers stay as they are. */
export function teacherOf(given: DetectionNet | Teacher): Teacher {
  return 'prepare' in given ? given : new NetTeacher(given);
}

/** A teacher that computes for every batch. */
export function computing(teacher: Teacher): TeacherEpoch {
  return { step: (batch) => teacher.prepare(batch), close: async () => undefined };
}

class NetTeacher implements Teacher {
  readonly device: Device;
  readonly config: TeacherConfig;
  readonly featureChannels: number;
  readonly recipe?: Pick<Recipe, 'box' | 'regions'>;
  readonly classes?: readonly { name: string }[];
  readonly net: DetectionNet;
  readonly detector?: Detector;

  constructor(net: DetectionNet) {
    const { recipe, classes } = provenanceOf(net);
    const { centreOffset } = net;
    if (recipe) this.recipe = recipe;
    else if (centreOffset !== undefined) this.recipe = resolveRecipe({ regions: { centreOffset } });
    if (classes) this.classes = classes;
    this.device = net.parameters.device;
    this.config = net.config;
    this.featureChannels = net.featureChannels;
    this.net = net;
    if (net instanceof Detector) this.detector = net;
  }

  async describe(): Promise<object> {
    const { config, net } = this;
    const digest = await crypto.subtle.digest('SHA-256', await net.parameters.values.read());
    const parameters = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
    const { adapter, choices } = this.device;
    const { student } = provenanceOf(net);
    const precision = net.precision === 'f16' && { precision: 'f16' };
    return { adapter: adapter.name, choices, teacher: config, parameters, ...precision, ...(student && { student }) };
  }

  async prepare(): Promise<TeacherStep> {
    return netStep(this.net);
  }
}

/** A net's share of a step as a teacher. */
export function netStep(net: DetectionNet): TeacherStep {
  return {
    begin: () => undefined,
    outputs: (images, tower) => {
      const { classLogits, boxLogits, features, classTower, boxTower } = net.forward(images, {
        training: false,
        ...(tower !== undefined && { tower }),
      });
      return {
        ...{ classLogits: classLogits.value, boxLogits: boxLogits.value },
        ...(features && { features: features.value }),
        ...(classTower && boxTower && { classTower: classTower.value, boxTower: boxTower.value }),
      };
    },
    end: () => undefined,
  };
}
