/** Other libraries that do the same work, each by a program of its own that takes its turns when it is asked. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { AdapterPreference } from '../../src/gpu/adapter.js';
import type { AdapterDescription } from '../../src/tensor/device.js';

export interface Peer {
  /** Short, as in `--json` and the table. */
  name: string;
  command: readonly [string, ...string[]];
}

/** Run from the package's folder; scripts/bench.js bundles the TypeScript ones. */
export const PEERS: readonly Peer[] = [
  { name: 'tfjs', command: [process.execPath, 'dist/bench/peers/tfjs.js'] },
  { name: 'jax', command: [process.execPath, 'dist/bench/peers/jax.js'] },
  { name: 'torch', command: ['python3', 'bench/peers/torch_losses.py'] },
];

/** The slowest peer prepares a row in a minute and takes some seconds a run. */
const TIME_LIMIT = 5 * 60_000;

type Child = ChildProcessByStdio<Writable, Readable, null>;

/**
 * A peer's process, `COMMAND --adapter KIND`. It says in a line `{"peer": LIBRARY, "rows": [NAME, …]}` what it is and has; then it
 * answers every line on its stdin, the name of a row, with `{"ms": MILLISECONDS}` of a run or `{"error": REASON}`. When its stdin
 * ends, it ends. What it writes to stderr is passed on.
 */
export class RunningPeer {
  readonly name: string;
  /** Library, version and backend. */
  readonly library: string;
  readonly rows: ReadonlySet<string>;
  readonly #child: Child;
  readonly #ask: (name: string) => Promise<unknown>;

  private constructor(name: string, greeting: Greeting, child: Child, ask: (name: string) => Promise<unknown>) {
    this.name = name;
    this.library = greeting.peer;
    this.rows = new Set(greeting.rows);
    this.#child = child;
    this.#ask = ask;
  }

  /** @throws Error that says why there is none: it is not installed, failed, or said something else */
  static async start(
    { name, command }: Peer,
    adapter: AdapterDescription['kind'] | AdapterPreference,
  ): Promise<RunningPeer> {
    const [program, ...given] = command;
    const child = spawn(program, [...given, '--adapter', adapter], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = new Promise<never>((_, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => reject(new Error(`it ended with ${signal ?? `exit code ${code}`}`)));
    });
    // Whoever waits for a line hears of it; an end that nobody waits for is no failure.
    ended.catch(() => {});
    child.stdin.on('error', () => {});
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const nextLine = async () => {
      const limit = setTimeout(() => child.kill(), TIME_LIMIT);
      try {
        const { value, done } = await Promise.race([lines.next(), ended]);
        return done ? await ended : parse(value);
      } finally {
        clearTimeout(limit);
      }
    };
    const greeting = await nextLine();
    if (!isGreeting(greeting)) {
      child.kill();
      throw new Error(`it said ${JSON.stringify(greeting)} and not {"peer", "rows": [NAME, …]}`);
    }
    return new RunningPeer(name, greeting, child, (row) => {
      child.stdin.write(`${row}\n`);
      return nextLine();
    });
  }

  /** Milliseconds of one run of a row, by the wall. @throws Error where the peer cannot do it, or is gone */
  async turn(row: string): Promise<number> {
    const answer = await this.#ask(row);
    const { ms, error } = (answer ?? {}) as { ms?: unknown; error?: unknown };
    if (typeof ms === 'number' && Number.isFinite(ms)) return ms;
    throw new Error(typeof error === 'string' ? error : `it said ${JSON.stringify(answer)} and not {"ms"}`);
  }

  /** Lets it end. */
  async stop(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return;
    const closed = new Promise((resolve) => this.#child.on('close', resolve));
    this.#child.stdin.end();
    await closed;
  }
}

interface Greeting {
  peer: string;
  rows: string[];
}

function isGreeting(said: unknown): said is Greeting {
  const { peer, rows } = (said ?? {}) as Partial<Greeting>;
  return typeof peer === 'string' && Array.isArray(rows) && rows.every((row) => typeof row === 'string');
}

/** A line as JSON, or as it is. */
function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}
