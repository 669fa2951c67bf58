import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { esbuildWgsl } from '../../scripts/wgsl.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A program, whose imports are relative to the project's root, as one module. */
export async function bundle(program: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: ROOT, loader: 'ts' },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    plugins: [esbuildWgsl()],
  });
  return outputFiles[0]!.text;
}

/** The arguments of `execFile` that run a bundled program in a process of its own, which says itself which adapter it wants. */
export function node(code: string, env: Record<string, string> = {}) {
  const options = { cwd: ROOT, env: { ...process.env, EDGEWISE_ADAPTER: '', ...env }, timeout: 3_600_000 };
  return [process.execPath, ['--input-type=module', '--expose-gc', '--eval', code], options] as const;
}
