import { layoutOf, type Maps, tensorOf } from '../tensor/layout.js';
import { Pyramid } from '../tensor/pyramid.js';
import type { Tensor } from '../tensor/tensor.js';
import { InputError } from '../util/error.js';
import { distilsAllBoxes } from './headIou.js';
import type { HeadSetting } from './headSetting.js';

/** The caller's tensors for the gradients. */
export interface GradientTargets {
  /** Laid out as the student's class logits. */
  classLogits?: Tensor;
  /** Laid out as the student's box logits. */
  boxLogits?: Tensor;
}

/** Where the passes write. */
export interface HeadGradients {
  classLogits: Tensor;
  boxLogits: Tensor;
  /** Those that are not the caller's. */
  own: Tensor[];
}

interface StudentLogits {
  classLogits: Maps;
  boxLogits: Maps;
}

const COPY_DST = 0x08;

/**
 * The gradients' tensors: the caller's, or new ones; one for both where the student's class and box logits are one tensor. Records zeros
 * wherever no pass writes: box logits that no loss reads, and channels of other maps.
 */
export function headGradients(setting: HeadSetting, student: StudentLogits, given: GradientTargets): HeadGradients {
  const { device, batch, classes, bins, grid } = setting;
  const classTensor = tensorOf(student.classLogits);
  const own: Tensor[] = [];
  const shared = isSame(classTensor, tensorOf(student.boxLogits));
  const classLogits = given.classLogits ?? (shared ? given.boxLogits : undefined) ?? gradientOf(student.classLogits);
  const boxLogits = given.boxLogits ?? (shared ? classLogits : gradientOf(student.boxLogits));
  if (boxLogits !== classLogits && classTensor.size > batch * classes * grid.locations) clear(classLogits);
  const isWritten = distilsAllBoxes(setting) && tensorOf(student.boxLogits).size === batch * 4 * bins * grid.locations;
  if (boxLogits === classLogits || !isWritten) clear(boxLogits);
  return { classLogits, boxLogits, own };

  function gradientOf(maps: Maps): Tensor {
    const tensor =
      maps instanceof Pyramid
        ? Pyramid.empty(device, maps.batch, maps.channels, maps.levels)
        : device.empty(maps.tensor.shape);
    own.push(tensor);
    return tensor;
  }

  function clear(tensor: Tensor): void {
    device.clear({ ...tensor.range, size: 4 * tensor.size });
  }
}

/** @param read what the passes read @throws InputError that names a tensor for gradients and what is wrong with it */
export function assertTargets(student: StudentLogits, given: GradientTargets, read: readonly Tensor[]): void {
  const { classLogits, boxLogits } = given;
  assertApart(student);
  const like = { classLogits: tensorOf(student.classLogits), boxLogits: tensorOf(student.boxLogits) };
  for (const name of ['classLogits', 'boxLogits'] as const) {
    const tensor = given[name];
    if (!tensor) continue;
    const { size, type, buffer } = tensor;
    if (size !== like[name].size || type !== 'f32') {
      throw new InputError(
        `gradients.${name}: ${size} elements of ${type}; the student's ${name} are in a tensor of ${like[name].size} f32.`,
      );
    }
    if (!(buffer.usage & COPY_DST)) {
      throw new InputError(
        `gradients.${name}: its buffer lacks the usage COPY_DST; create it with STORAGE | COPY_DST, as it is cleared first.`,
      );
    }
    if (read.some((other) => other.buffer === buffer)) {
      throw new InputError(
        `gradients.${name}: its buffer holds inputs too; WebGPU does not let a kernel read and write one buffer: give another.`,
      );
    }
  }
  if (classLogits && boxLogits && overlap(classLogits, boxLogits)) {
    if (!isSame(classLogits, boxLogits) || !isSame(like.classLogits, like.boxLogits)) {
      throw new InputError(
        "gradients: those of class and box logits overlap, but the student's logits are not one tensor; give each its own.",
      );
    }
  }
}

/** @throws InputError where class and box logits begin at the same element */
function assertApart({ classLogits, boxLogits }: StudentLogits): void {
  if (!isSame(tensorOf(classLogits), tensorOf(boxLogits))) return;
  const boxLayout = layoutOf(boxLogits);
  if (layoutOf(classLogits).some(({ offset }, level) => offset === boxLayout[level].offset)) {
    throw new InputError(
      'student: class and box logits begin at the same element of one tensor; channelsFrom(layout, first) gives the layout of the channels from `first` on.',
    );
  }
}

function isSame(a: Tensor, b: Tensor): boolean {
  return a.buffer === b.buffer && a.offset === b.offset && a.size === b.size;
}

function overlap(a: Tensor, b: Tensor): boolean {
  return a.buffer === b.buffer && a.offset < b.offset + 4 * b.size && b.offset < a.offset + 4 * a.size;
}
