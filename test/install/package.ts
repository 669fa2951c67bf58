import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const PACKAGE = JSON.parse(readFileSync('package.json', 'utf8'));

/** Packs the checkout as it was built. @returns the archive in the folder, and the files in it */
export async function pack(folder: string): Promise<{ archive: string; files: string[] }> {
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]);
  const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  return { archive: join(folder, filename), files: files.map(({ path }) => path) };
}

/**
 * A project that has installed the archive. Other packages are links to the checkout's.
 * @param packages those that it has
 */
export async function project(folder: string, archive: string, packages: readonly string[]): Promise<void> {
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, 'edgewise'), { recursive: true });
  await run('tar', ['-xzf', archive, '-C', join(modules, 'edgewise'), '--strip-components=1']);
  for (const name of packages) {
    if (!existsSync(join('node_modules', name))) continue; // an optional one that has no build for this system
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(resolve('node_modules', name), join(modules, name), 'junction');
  }
}

export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a program, by default Node, in a folder to its end. */
export function program(folder: string, args: readonly string[], command = process.execPath): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(command, args, { cwd: folder, maxBuffer: 1 << 24 }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

export const CLI = 'node_modules/edgewise/dist/cli.js';
