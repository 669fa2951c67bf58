import { createRequire } from 'node:module';
import type { Plugin } from 'vitest/config';

const PREFIX = 'node:';
const FILES = 'node:fs/promises';

const READ_FILE = `export async function readFile(path) {
  const response = await fetch('/' + path);
  if (!response.ok) throw new Error(path + ': ' + response.status);
  return new Uint8Array(await response.arrayBuffer());
}`;

/**
 * Node's own modules in a browser. The tests of kernels read golden cases: Vite serves the repository. All else may be imported, by
 * modules that a test happens to need, and throws when it is called.
 */
export function nodeInBrowser(): Plugin {
  const require = createRequire(import.meta.url);
  const stub = (module: string, name: string) =>
    `export function ${name}() { throw new Error('${module} has no ${name} in a browser'); }`;
  return {
    name: 'node-in-browser',
    enforce: 'pre',
    resolveId: (id) => (id.startsWith(PREFIX) ? `\0${id}` : undefined),
    load(id) {
      if (!id.startsWith(`\0${PREFIX}`)) return;
      const module = id.slice(1);
      const names = Object.keys(require(module)).filter((name) => name !== 'default');
      if (module !== FILES) return names.map((name) => stub(module, name)).join('\n');
      return [READ_FILE, ...names.filter((name) => name !== 'readFile').map((name) => stub(module, name))].join('\n');
    },
  };
}
