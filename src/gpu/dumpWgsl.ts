import { InputError } from '../util/error.js';

/**
 * Writes a shader module to the folder that the environment variable `EDGEWISE_DUMP_WGSL` names, in Node: before it is compiled,
 * so that it is there whatever the compiler does. A variant of a kernel is a file of its own: its name has a hash of the code.
 * @throws InputError when the file cannot be written
 */
export function dumpWgsl(kernel: string, constants: Record<string, number>, code: string): void {
  // As in adapter.ts, what is for Node only stands behind a look at `process`.
  if (typeof process !== 'undefined' && process.env?.EDGEWISE_DUMP_WGSL) {
    const folder = process.env.EDGEWISE_DUMP_WGSL;
    if (!('getBuiltinModule' in process))
      throw new InputError('EDGEWISE_DUMP_WGSL: it needs Node 20.16 or later; unset it.');
    const { mkdirSync, writeFileSync } = process.getBuiltinModule('node:fs');
    const { createHash } = process.getBuiltinModule('node:crypto');
    const text = `${code}\n// kernel ${kernel}, constants ${JSON.stringify(constants)}\n`;
    const slug = kernel.replace(/[^\w.]+/g, '-');
    const hash = createHash('sha256').update(text).digest('hex').slice(0, 8);
    try {
      mkdirSync(folder, { recursive: true });
      writeFileSync(`${folder}/${slug}-${hash}.wgsl`, text);
    } catch (cause) {
      throw new InputError(
        `EDGEWISE_DUMP_WGSL: ${(cause as Error).message}; name a folder that can be written, or unset it.`,
      );
    }
  }
}
