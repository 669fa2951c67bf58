import { InputError } from '../util/error.js';

/** A function of a C library, as koffi gives it. */
export interface NativeFunction {
  (...values: unknown[]): unknown;
  /** The same in a thread of koffi's; the last argument is told the result. */
  async(...values: unknown[]): void;
}

interface NativeLibrary {
  func(prototype: string): NativeFunction;
  symbol(name: string): unknown;
}

interface Koffi {
  load(file: string | null, options?: { global: boolean }): NativeLibrary;
}

/** By which MPI_Comm_split_type finds the ranks that share a machine's memory. */
interface NodeHandles {
  /** MPI_COMM_TYPE_SHARED. */
  shared: number;
  /** MPI_INFO_NULL. */
  info: unknown;
}

/** What differs between implementations of MPI: how a handle is passed in C, and those that are needed. */
interface Handles {
  type: 'void *' | 'int' | 'intptr_t';
  world: unknown;
  byte: unknown;
  serialized: number;
  node: NodeHandles;
}

/** An implementation of MPI. */
interface Implementation {
  name: string;
  files: readonly string[];
  handles(library: NativeLibrary): Handles;
}

/** MPI, loaded. */
export interface MpiLibrary {
  /** MPI_COMM_WORLD. */
  world: unknown;
  /** MPI_BYTE. */
  byte: unknown;
  /** MPI_THREAD_SERIALIZED: threads may call MPI, one at a time. It is all that koffi's `async` needs. */
  serialized: number;
  node: NodeHandles;
  /** A function by its prototype, in which HANDLE stands for the type of handles. */
  func(prototype: string): NativeFunction;
}

const OPEN_MPI: Implementation = {
  name: 'Open MPI',
  files: ['libmpi.so.40', 'libmpi.40.dylib'],
  handles: (library) => ({
    type: 'void *',
    world: library.symbol('ompi_mpi_comm_world'),
    byte: library.symbol('ompi_mpi_byte'),
    serialized: 2,
    node: { shared: 0, info: library.symbol('ompi_mpi_info_null') },
  }),
};

/** The ABI that MPICH shares with Intel MPI, MVAPICH and Cray MPI: handles are numbers, fixed in mpi.h. */
const MPICH: Implementation = {
  name: 'MPICH',
  files: ['libmpich.so.12', 'libmpi.so.12', 'libmpi.12.dylib'],
  handles: () => ({
    type: 'int',
    world: 0x44000000,
    byte: 0x4c00010d,
    serialized: 2,
    node: { shared: 1, info: 0x1c000000 },
  }),
};

/** The ABI of MPI 5.0, chapter 20. */
const STANDARD: Implementation = {
  name: 'the ABI of MPI 5',
  files: ['libmpi_abi.so.1', 'libmpi_abi.so.0', 'libmpi_abi.1.dylib'],
  handles: () => ({
    type: 'intptr_t',
    world: 0x101,
    byte: 0x247,
    serialized: 2048,
    node: { shared: 221, info: 0x130 },
  }),
};

/** RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE of Linux: koffi closes the library at exit, while MPI's threads still run in it. */
const STAYS = 0x1102;

/**
 * Loads MPI through koffi: that of the launcher (mpirun) that has started this process, else the first there is.
 * @throws InputError with the command that installs what is missing
 */
export async function loadMpi(): Promise<MpiLibrary> {
  const koffi = await loadKoffi();
  for (const implementation of byLauncher(process.env)) {
    for (const file of implementation.files) {
      const library = open(koffi, file);
      if (!library) continue;
      const { type, ...handles } = implementation.handles(library);
      return { ...handles, func: (prototype) => library.func(prototype.replaceAll('HANDLE', type)) };
    }
  }
  throw new InputError(
    'distributed training needs MPI, such as Open MPI 4.1 or later (libmpi.so.40); Debian and Ubuntu: apt install openmpi-bin libopenmpi3. On a cluster, load its module first.',
  );
}

/** What mpirun has told this process. */
interface Launched {
  by: string;
  rank: number;
  size: number;
}

/** What mpirun tells its processes by their environment. */
export function launched(environment: NodeJS.ProcessEnv): Launched | null {
  const { OMPI_COMM_WORLD_RANK, OMPI_COMM_WORLD_SIZE, PMI_RANK, PMI_SIZE } = environment;
  if (OMPI_COMM_WORLD_SIZE) {
    return { by: OPEN_MPI.name, rank: Number(OMPI_COMM_WORLD_RANK), size: Number(OMPI_COMM_WORLD_SIZE) };
  }
  return PMI_SIZE ? { by: MPICH.name, rank: Number(PMI_RANK), size: Number(PMI_SIZE) } : null;
}

function byLauncher(environment: NodeJS.ProcessEnv): readonly Implementation[] {
  return launched(environment)?.by === MPICH.name ? [MPICH, STANDARD, OPEN_MPI] : [OPEN_MPI, MPICH, STANDARD];
}

async function loadKoffi(): Promise<Koffi> {
  // Not named where it is imported: an optional peer, without which everything else compiles and bundles.
  const name = 'koffi';
  try {
    const loaded = (await import(name)) as Koffi & { default?: Koffi };
    return loaded.default ?? loaded;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const isMissing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
    const why = isMissing ? 'which is not installed' : `which does not load (${message.split('\n')[0]})`;
    throw new InputError(`distributed training needs the npm package koffi, ${why}: npm install koffi`, { cause });
  }
}

function open(koffi: Koffi, file: string): NativeLibrary | null {
  try {
    if (process.platform === 'linux') koffi.load(null).func('void *dlopen(const char *file, int flags)')(file, STAYS);
    return koffi.load(file, { global: true });
  } catch {
    return null;
  }
}
