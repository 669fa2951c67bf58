import { assertFinite } from '../data/finite.js';
import { parseSafetensors } from '../data/safetensors.js';
import { type DetectorConfig, detectorConfig } from '../detector/config.js';
import { Detector, type DetectorOutputs } from '../detector/detector.js';
import type { Device } from '../tensor/device.js';
import type { Pyramid } from '../tensor/pyramid.js';
import { InputError } from '../util/error.js';

/** Beside the page: half floats, written by scripts/webTeacher.js. */
export const TEACHER_FILE = 'teacher.safetensors';
/** Key of its metadata. */
const CONFIG = 'detector';

/** A teacher whose answer to a batch is worked out once for all of its students. */
export class SharedTeacher extends Detector {
  #isShared = false;
  #answer: DetectorOutputs | null = null;

  /** In `work`, the answer to the first question is the answer to all: they are about the same images. */
  share(work: () => void): void {
    this.#isShared = true;
    try {
      work();
    } finally {
      this.#isShared = false;
      if (this.#answer) for (const value of valuesOf(this.#answer)) value.dispose();
      this.#answer = null;
    }
  }

  override forward(images: Pyramid, options: { training: boolean }): DetectorOutputs {
    if (options.training || !this.#isShared) return super.forward(images, options);
    if (!this.#answer) {
      this.#answer = super.forward(images, options);
      for (const value of valuesOf(this.#answer)) images.device.keep(value); // beyond the step of the first student
    }
    return this.#answer;
  }
}

function valuesOf({ classLogits, boxLogits, features }: DetectorOutputs): Pyramid[] {
  return [classLogits.value, boxLogits.value, features.value];
}

/**
 * The teacher that comes with the page, trained on shapes.
 * @param url of the file
 * @throws InputError when it cannot be loaded or is not such a file
 */
export async function loadTeacher(device: Device, url: string): Promise<SharedTeacher> {
  const response = await fetch(url).catch((cause: Error) => {
    throw new InputError(`${url} cannot be loaded (${cause.message}); let the teacher learn live.`, { cause });
  });
  if (!response.ok) throw new InputError(`${url} gave ${response.status}; let the teacher learn live.`);
  const { tensors, metadata } = parseSafetensors(new Uint8Array(await response.arrayBuffer()), url);
  assertFinite(url, tensors);
  const detector = new SharedTeacher(device, detectorConfig(JSON.parse(metadata[CONFIG]) as DetectorConfig), {
    seed: 0,
  });
  const parts = [...tensors].map(
    ([name, { shape, data }]) => [name, { shape, data: Float32Array.from(data as Uint16Array, halfToNumber) }] as const,
  );
  detector.parameters.values.write(detector.parameters.join(new Map(parts)));
  return detector;
}

/** IEEE 754 binary16; Float16Array is not in every browser yet. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
