import { DeviceError, InputError } from '../util/error.js';
import { idleUntil } from './idle.js';

/** Milliseconds to wait for the report of a loss after a buffer could not be mapped: the two come in any order. */
const LOSS_REPORT = 100;

/**
 * What goes wrong on a GPUDevice: errors of the calls made in `check`, errors of others who share the device, and its loss.
 * Errors are kept until they are reported. Those of others also go where they would go without us: to their handler, or to
 * the console.
 */
export class DeviceFaults {
  readonly #gpu: GPUDevice;
  readonly #checks = new Set<Promise<void>>();
  readonly #waiting = new Set<(reason: Error) => void>();
  #kept: DeviceError | null = null;
  #lost: DeviceError | null = null;
  #closed = false;

  constructor(gpu: GPUDevice) {
    this.#gpu = gpu;
    // Not `onuncapturederror`, which holds one handler: that is the program's. Nothing is prevented, so it is shown as well.
    gpu.addEventListener('uncapturederror', this.#onForeign);
    void gpu.lost.then(({ reason, message }) => this.#onLoss(reason, message));
  }

  /**
   * Runs `make` inside error scopes; what they catch is kept, with `what` before it.
   * @param explain says more than the error does; null where it cannot
   */
  check<T>(what: string, make: () => T, explain: () => Promise<string | null> = async () => null): T {
    this.#gpu.pushErrorScope('validation');
    this.#gpu.pushErrorScope('out-of-memory');
    try {
      return make();
    } finally {
      const popped = [this.#gpu.popErrorScope(), this.#gpu.popErrorScope()];
      const check = Promise.all(popped).then(
        async (errors) => {
          const error = errors.find((caught) => caught !== null);
          if (!error) return;
          // Kept before it is explained: what follows from it comes later.
          const kept = this.#keep(`${what}: ${error.message}`);
          const why = await explain();
          if (why !== null) kept.message = `${what}: ${why}`;
        },
        () => {}, // the device is lost, which is told by itself
      );
      this.#checks.add(check);
      void check.then(() => this.#checks.delete(check));
    }
  }

  /** Whether the device is lost. */
  get isLost(): boolean {
    return this.#lost !== null;
  }

  /** @throws DeviceError when the device is lost, each time */
  assertAlive(): void {
    if (this.#lost) throw this.#lost;
  }

  /** @throws DeviceError the loss, or the first error that has come in since the last report */
  report(): void {
    this.assertAlive();
    const kept = this.#kept;
    this.#kept = null;
    if (kept) throw kept;
  }

  /** Waits for the checks of what was called so far, then reports. @throws DeviceError as `report` */
  async settled(): Promise<void> {
    await Promise.all(this.#checks);
    this.report();
  }

  /** Waits for the GPU, with the process kept alive. @throws DeviceError when the device is lost meanwhile */
  wait<T>(work: Promise<T>): Promise<T> {
    return idleUntil(this.whileAlive(work));
  }

  /**
   * Waits for the GPU. What waits for a lost device may wait for ever; this does not.
   * @throws DeviceError when the device is lost meanwhile
   */
  whileAlive<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#lost) reject(this.#lost);
      this.#waiting.add(reject);
      work
        .then(resolve, async (cause: Error) => reject(await this.#reasonOf(cause)))
        .finally(() => this.#waiting.delete(reject));
    });
  }

  /** Ends listening. The device may be destroyed from now on. */
  close(): void {
    this.#closed = true;
    this.#gpu.removeEventListener('uncapturederror', this.#onForeign);
  }

  readonly #onForeign = ({ error }: GPUUncapturedErrorEvent) => {
    this.#keep(`an error on this GPUDevice that is not of edgewise: ${error.message}`);
  };

  #onLoss(reason: GPUDeviceLostReason, message: string): void {
    if (!this.#closed) {
      const how =
        reason === 'destroyed' ? 'GPUDevice.destroy() was called' : message.trim() || 'the driver says no more';
      const remedy = 'What was on it is gone: open another with openDevice(), and go on from what you have saved.';
      this.#lost = new DeviceError(`the GPU device was lost: ${how}. ${remedy}`, { lost: true });
    }
    for (const reject of this.#waiting) reject(this.#lost ?? this.#closedMeanwhile());
    this.#waiting.clear();
  }

  /** Why a wait for the GPU failed. */
  async #reasonOf(cause: Error): Promise<Error> {
    await Promise.race([this.#gpu.lost, new Promise((resolve) => setTimeout(resolve, LOSS_REPORT))]);
    if (this.#lost) return this.#lost;
    return this.#closed
      ? this.#closedMeanwhile()
      : new DeviceError(`the GPU gives nothing back: ${cause.message}`, { cause });
  }

  #closedMeanwhile(): InputError {
    return new InputError('device: it was closed while something waited for it; await that first.');
  }

  #keep(message: string): DeviceError {
    const error = new DeviceError(message);
    this.#kept ??= error;
    return error;
  }
}
