import type { ParameterStore } from '../autograd/parameters.js';
import type { Variable } from '../autograd/variable.js';
import type { Pyramid } from '../tensor/pyramid.js';
import type { SizingDevice } from '../tensor/sizing.js';
import type { StoredType } from '../tensor/stored.js';
import type { DetectorConfig } from './config.js';
import type { HeadLogits, TowerFeatures } from './head.js';

/** A net's head, its image size and classes; the size is that of a detector of this package. */
export type NetConfig = Omit<DetectorConfig, 'size'> & Partial<Pick<DetectorConfig, 'size'>>;

/** What a net says of a batch of images. */
export interface NetOutputs extends HeadLogits, Partial<TowerFeatures> {
  /** [B, F, H, W] a level: what feature imitation compares; absent where the net gives none. */
  features?: Variable<Pyramid>;
}

/** A network with a distribution head that learns and is judged: `Detector`, or an ONNX model (`GraphStudent` of edgewise/onnx). */
export interface DetectionNet {
  /** Of its head: levels in the order of `strides`, classes in the order of the class logits. */
  readonly config: NetConfig;
  /** All that it learns. */
  readonly parameters: ParameterStore;
  /** Channels of `features`; 0: it gives none, and none can be imitated. */
  readonly featureChannels: number;
  /**
   * What a recipe's `regions.centreOffset` has to be, where the net says so: an ONNX model learns and is decoded with its mapping's.
   * Absent: the recipe decides.
   */
  readonly centreOffset?: number;
  /** What its maps are stored in; absent: f32. */
  readonly precision?: StoredType;
  /**
   * Checks that the device's kernels can see all that a batch needs; `forward` does it too.
   * @param options `training`: whether there is a backward pass; `recompute`: as of `forward`
   * @throws InputError that names the largest batch that fits
   */
  assertFits(batch: number, options: { training: boolean; recompute?: boolean }): void;
  /**
   * Logits, and features where there are some, of a batch.
   * @param images [B, 3, height, width], one level, of any B; RGB, as the loader gives them, (pixel − `IMAGE_MEAN`) /
   * `IMAGE_DEVIATION` of src/data/augment.ts: a net that was made for other numbers changes them itself. They stay the caller's.
   * @param options `training` true: the outputs remember how they were made, for `backward`, which also frees the intermediates.
   * false: they are constants, intermediates are freed at once, and the caller disposes the values.
   * `tower`: the convolution of the head's towers whose features are wanted too (CrossKD); only a `Detector` has them.
   * `recompute`: little of what lies between is kept for `backward`, which computes it again, with the same bits; the images have to live
   * until then. Default false.
   * @throws InputError when the images do not fit
   */
  forward(images: Pyramid, options: { training: boolean; tower?: number; recompute?: boolean }): NetOutputs;
  /**
   * The same net on a device that only sizes: its parameters have shapes and no values. Batches are checked and kernels compiled
   * by what its passes need.
   */
  sizedOn(device: SizingDevice): DetectionNet;
  /** Frees the parameters and all else that it holds. */
  dispose(): void;
}
