const UNIFORM = 0x40;

/**
 * Small buffers that never change once written: equal content is one buffer, and a step that repeats writes nothing.
 * At most so many are kept: numbers of boxes and the like are parameters, and a training sees many of them.
 */
export class Uniforms {
  readonly #gpu: Pick<GPUDevice, 'createBuffer'>;
  readonly #most: number;
  readonly #buffers = new Map<string, GPUBuffer>();

  constructor(gpu: Pick<GPUDevice, 'createBuffer'>, most = 4096) {
    this.#gpu = gpu;
    this.#most = most;
  }

  /** The buffer of this content; `label` names a new one. */
  get(bytes: ArrayBuffer, label: string): GPUBuffer {
    const key = String.fromCharCode(...new Uint16Array(bytes));
    const known = this.#buffers.get(key);
    // At the end of the map is what was used last.
    if (known) {
      this.#buffers.delete(key);
      this.#buffers.set(key, known);
      return known;
    }
    const buffer = this.#gpu.createBuffer({ label, size: bytes.byteLength, usage: UNIFORM, mappedAtCreation: true });
    new Uint8Array(buffer.getMappedRange()).set(new Uint8Array(bytes));
    buffer.unmap();
    this.#buffers.set(key, buffer);
    // Not destroyed: commands that are not submitted yet may hold it. It goes with the last of them.
    for (const oldest of this.#buffers.keys()) {
      if (this.#buffers.size <= this.#most) break;
      this.#buffers.delete(oldest);
    }
    return buffer;
  }

  destroy(): void {
    for (const buffer of this.#buffers.values()) buffer.destroy();
    this.#buffers.clear();
  }
}
