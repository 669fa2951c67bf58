import { hostname } from 'node:os';
import { DeviceError, InputError } from '../util/error.js';
import { type Communicator, type Numbers, sumInOrder } from './communicator.js';
import { launched, loadMpi, type MpiLibrary, type NativeFunction } from './library.js';

/** For so long a rank looks at once again whether the others have come, then from time to time: they may compile for minutes. */
const BUSY_MS = 1;
const PAUSE_MS = 1;
/** Up to so many elements all values go to everybody, which is one message to each where a sum by slices takes two. */
const SMALL = 4096;
/** Bytes of an MPI_Status of any implementation, and more. */
const STATUS_BYTES = 128;
/** Bytes that are compared of a machine's name. */
const NAME_BYTES = 64;

/**
 * Starts MPI in this process: once, since MPI ends for good with `close`.
 * @throws InputError where koffi or MPI is missing, or mpirun belongs to another MPI
 */
export async function openMpi(): Promise<Communicator> {
  const library = await loadMpi();
  const provided = [0];
  check(
    'MPI_Init_thread',
    library.func('int MPI_Init_thread(void *, void *, int, _Out_ int *)')(null, null, library.serialized, provided),
  );
  if (provided[0] < library.serialized) {
    throw new InputError(
      'distributed training calls MPI from threads, which this MPI does not allow; take one built with them.',
    );
  }
  const ranks = new MpiRanks(library);
  const expected = launched(process.env);
  if (ranks.size === 1 && expected && expected.size > 1) {
    throw new InputError(
      `mpirun of ${expected.by} started ${expected.size} processes, but the MPI found here sees one alone; put the library of the same MPI first in LD_LIBRARY_PATH.`,
    );
  }
  await ranks.findNeighbours();
  return ranks;
}

class MpiRanks implements Communicator {
  readonly rank: number;
  readonly size: number;
  localRank = 0;
  localSize = 1;
  readonly #library: MpiLibrary;
  readonly #allgather: NativeFunction;
  readonly #alltoall: NativeFunction;
  readonly #bcast: NativeFunction;
  readonly #ibarrier: NativeFunction;
  readonly #test: NativeFunction;
  /** Calls one after another, in the order in which they were made. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(library: MpiLibrary) {
    this.#library = library;
    this.rank = this.#ask('MPI_Comm_rank', library.world);
    this.size = this.#ask('MPI_Comm_size', library.world);
    this.#allgather = library.func('int MPI_Allgather(void *, int, HANDLE, void *, int, HANDLE, HANDLE)');
    this.#alltoall = library.func('int MPI_Alltoall(void *, int, HANDLE, void *, int, HANDLE, HANDLE)');
    this.#bcast = library.func('int MPI_Bcast(void *, int, HANDLE, int, HANDLE)');
    this.#ibarrier = library.func('int MPI_Ibarrier(HANDLE, _Out_ HANDLE *)');
    this.#test = library.func('int MPI_Test(_Inout_ HANDLE *, _Out_ int *, void *)');
  }

  /** Ranks that share memory are neighbours; where MPI finds none (MPICH 5 in a container), those on machines of one name. */
  async findNeighbours(): Promise<void> {
    const name = new Float32Array(NAME_BYTES);
    name.set([...Buffer.from(hostname())].slice(0, NAME_BYTES));
    // The split blocks until all call it: without this exchange a process would answer nothing while it waits for one that starts late.
    const same = (await this.gather(name)).map((other) => other.join() === name.join());
    this.localRank = same.slice(0, this.rank).filter(Boolean).length;
    this.localSize = same.filter(Boolean).length;
    const { world, node, func } = this.#library;
    const neighbours = [null];
    const split = func('int MPI_Comm_split_type(HANDLE, int, int, HANDLE, _Out_ HANDLE *)');
    check('MPI_Comm_split_type', split(world, node.shared, this.rank, node.info, neighbours));
    const [rank, size] = [this.#ask('MPI_Comm_rank', neighbours[0]), this.#ask('MPI_Comm_size', neighbours[0])];
    check('MPI_Comm_free', func('int MPI_Comm_free(_Inout_ HANDLE *)')(neighbours));
    if (size > 1) [this.localRank, this.localSize] = [rank, size];
  }

  #ask(name: 'MPI_Comm_rank' | 'MPI_Comm_size', communicator: unknown): number {
    const out = [0];
    check(name, this.#library.func(`int ${name}(HANDLE, _Out_ int *)`)(communicator, out));
    return out[0];
  }

  gather<T extends Numbers>(values: T): Promise<T[]> {
    return this.#next(async () => {
      const all = sized(values, this.size * values.length);
      await this.#exchange('MPI_Allgather', this.#allgather, values, all);
      return Array.from({ length: this.size }, (_, rank) => part(all, rank, values.length));
    });
  }

  /** Each rank adds a slice of all values and sends it to the others: twice the values' bytes, whatever the number of ranks. */
  async sum<T extends Numbers>(values: T): Promise<T> {
    if (values.length <= SMALL) return sumInOrder(await this.gather(values));
    return this.#next(async () => {
      const length = Math.ceil(values.length / this.size);
      const padded = sized(values, this.size * length);
      padded.set(values);
      const received = sized(values, padded.length);
      await this.#exchange('MPI_Alltoall', this.#alltoall, padded, received);
      const slice = sumInOrder(Array.from({ length: this.size }, (_, rank) => part(received, rank, length)));
      await this.#exchange('MPI_Allgather', this.#allgather, slice, padded);
      return padded.subarray(0, values.length) as T;
    });
  }

  broadcast(values: Numbers): Promise<void> {
    const { byte, world } = this.#library;
    return this.#next(async () => {
      await this.#meet();
      await call('MPI_Bcast', this.#bcast, values, values.byteLength, byte, 0, world);
    });
  }

  barrier(): Promise<void> {
    return this.#next(() => this.#meet());
  }

  abort(): void {
    this.#library.func('int MPI_Abort(HANDLE, int)')(this.#library.world, 1);
  }

  async close(): Promise<void> {
    await this.barrier();
    check('MPI_Finalize', this.#library.func('int MPI_Finalize()')());
  }

  /**
   * Waits until all have come. MPI's own calls wait at full speed, which takes a processor from whoever computes on it; after this one they
   * only transfer.
   */
  async #meet(): Promise<void> {
    const request = [null];
    const [flag, status] = [[0], new Uint8Array(STATUS_BYTES)];
    check('MPI_Ibarrier', this.#ibarrier(this.#library.world, request));
    const started = performance.now();
    for (;;) {
      check('MPI_Test', this.#test(request, flag, status));
      if (flag[0]) return;
      const isBusy = performance.now() - started < BUSY_MS;
      await new Promise<void>((resolve) => void (isBusy ? setImmediate(resolve) : setTimeout(resolve, PAUSE_MS)));
    }
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Everybody's part goes to everybody: `to` is as long as all parts that this rank receives. */
  async #exchange(name: string, exchange: NativeFunction, from: Numbers, to: Numbers): Promise<void> {
    await this.#meet();
    const { byte, world } = this.#library;
    const bytes = to.byteLength / this.size;
    await call(name, exchange, from, bytes, byte, to, bytes, byte, world);
  }
}

function sized<T extends Numbers>(like: T, length: number): T {
  return (like instanceof Float32Array ? new Float32Array(length) : new Float64Array(length)) as T;
}

function part<T extends Numbers>(all: T, rank: number, length: number): T {
  return all.subarray(rank * length, (rank + 1) * length) as T;
}

function call(name: string, native: NativeFunction, ...values: unknown[]): Promise<void> {
  return new Promise((resolve, reject) => {
    native.async(...values, (error: unknown, code: unknown) => {
      if (error) reject(error);
      else resolve(check(name, code));
    });
  });
}

/** @throws DeviceError where MPI says that a call failed; by default it ends all processes itself */
function check(name: string, code: unknown): void {
  if (code !== 0) throw new DeviceError(`${name} failed with code ${code}.`);
}
