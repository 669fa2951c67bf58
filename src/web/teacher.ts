import { assertFinite } from '../data/finite.js';
import { floatsOf } from '../data/floats.js';
import { parseSafetensors } from '../data/safetensors.js';
import { type DetectorConfig, detectorConfig } from '../detector/config.js';
import { Detector, type DetectorOutputs } from '../detector/detector.js';
import type { Device } from '../tensor/device.js';
import type { Pyramid } from '../tensor/pyramid.js';
import { InputError } from '../util/error.js';

/** Beside the page: the checkpoint of models/shapes-small. */
export const TEACHER_FILE = 'teacher.safetensors';

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
  // The rest of a checkpoint's metadata is the trainer's.
  const { detector: config } = JSON.parse(metadata.edgewise) as { detector: DetectorConfig };
  const detector = new SharedTeacher(device, detectorConfig(config), { seed: 0 });
  const parts = [...tensors].map(
    ([name, tensor]) => [name, { shape: tensor.shape, data: floatsOf(tensor, `${url}: ${name}`) }] as const,
  );
  detector.parameters.values.write(detector.parameters.join(new Map(parts)));
  return detector;
}
