/**
 * What Dawn's C code sees: libraries that are loaded for the whole process, and environment variables. Node, Bun and Deno each
 * have their own way.
 */

/** `Deno.dlopen`. */
interface Deno {
  dlopen(library: string, symbols: object): unknown;
}

/** `bun:ffi`, as far as it is used here. */
interface BunFfi {
  dlopen(
    library: string,
    symbols: Record<string, { args?: string[]; returns?: string }>,
  ): { symbols: Record<string, CFunction> };
}

type CFunction = (...values: (Uint8Array | number)[]) => number;

const RTLD_NOW = 0x2;
const RTLD_GLOBAL = 0x100;
const RTLD_NODELETE = 0x1000;

/** A library is unloaded with what opened it. */
const kept: unknown[] = [];

/**
 * Loads a shared library, so that Dawn's `dlopen('libvulkan.so.1')` finds it by its name, and says whether it is there.
 * @param symbol a function that it has
 */
export async function loadLibrary(library: string, symbol: string): Promise<boolean> {
  const { Deno } = globalThis as { Deno?: Deno };
  const bun = await bunFfi();
  try {
    if (Deno) kept.push(Deno.dlopen(library, {}));
    else if (bun) kept.push(bun.dlopen(library, { [symbol]: {} }));
    else process.dlopen({ exports: {} }, library, RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE);
    return true;
  } catch (thrown) {
    // Node has no plain dlopen: it complains that the library is no add-on and closes it, but RTLD_NODELETE keeps it loaded.
    return (thrown as Error).message.includes('did not self-register');
  }
}

/**
 * A function that sets an environment variable of the process, or removes it. Bun's `process.env` is a copy that C code does
 * not see, so there it sets both; so is Node's in a worker thread without SHARE_ENV, where nothing helps.
 */
export async function environment(): Promise<(name: string, value: string | undefined) => void> {
  const bun = await bunFfi();
  const c = bun?.dlopen('libc.so.6', {
    setenv: { args: ['buffer', 'buffer', 'int'], returns: 'int' },
    unsetenv: { args: ['buffer'], returns: 'int' },
  }).symbols;
  const text = (value: string) => new TextEncoder().encode(`${value}\0`);
  return (name, value) => {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
    if (value === undefined) c?.unsetenv(text(name));
    else c?.setenv(text(name), text(value), 1);
  };
}

/** Null where this is not Bun. */
async function bunFfi(): Promise<BunFfi | null> {
  if (process.versions.bun === undefined) return null;
  const name = 'bun:ffi'; // not in the call: no bundler is to look for it
  return (await import(name)) as BunFfi;
}
