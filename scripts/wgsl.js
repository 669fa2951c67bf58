/**
 * The one include mechanism for WGSL, shared by esbuild (the package) and Vite (the tests).
 * A line `#include "path"` is replaced by that file; a file already included is left out the second time.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

const INCLUDE = /^#include\s+"([^"]+)"\s*$/;

/**
 * Reads a WGSL file and expands its includes.
 * @param {string} file absolute path
 * @param {Set<string>} seen files already in the module; those read here are added
 * @returns {string}
 */
export function expandWgsl(file, seen = new Set()) {
  seen.add(file);
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => {
      const match = INCLUDE.exec(line);
      if (!match) return line;
      const included = resolve(dirname(file), match[1]);
      return seen.has(included) ? '' : expandWgsl(included, seen);
    })
    .join('\n');
}

/** @returns {import('esbuild').Plugin} */
export function esbuildWgsl() {
  return {
    name: 'wgsl',
    setup(build) {
      build.onLoad({ filter: /\.wgsl$/ }, ({ path }) => {
        const files = new Set();
        return { contents: expandWgsl(path, files), loader: 'text', watchFiles: [...files] };
      });
    },
  };
}

/** @returns {import('vite').Plugin} */
export function viteWgsl() {
  return {
    name: 'wgsl',
    enforce: 'pre',
    load(id) {
      if (!id.endsWith('.wgsl')) return null;
      const files = new Set();
      const source = expandWgsl(id, files);
      for (const file of files) this.addWatchFile(file);
      return `export default ${JSON.stringify(source)};`;
    },
  };
}
