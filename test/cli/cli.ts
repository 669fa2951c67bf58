import { execFile } from 'node:child_process';

export interface Run {
  code: number | null;
  stdout: string;
  /** Without the lines that Dawn itself writes. */
  stderr: string;
}

/** Runs the built command line in a process of its own, ended shortly before its test would be. */
export function edgewise(args: readonly string[], env: Record<string, string> = {}): Promise<Run> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...env }, timeout: 115_000, maxBuffer: 1 << 24 };
    const child = execFile(process.execPath, ['dist/cli.js', ...args], options, (_, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr: stderr.replace(/^Warning: maxDynamic.*\n/gm, '') });
    });
  });
}
