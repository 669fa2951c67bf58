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

/** Lines that src/gpu/wgsl.ts and src/gpu/unroll.ts look for as they are written. */
const VERBATIM = /^override |\/\/ unroll$/;
const OPERATOR = /[-+*/%&|^~<>=!]/;
const WORD = /\w/;

/**
 * A module without comments, indentation and spaces that keep no two tokens apart. Names and lines stay, so errors can be read.
 * @param {string} source
 * @returns {string}
 */
export function minifyWgsl(source) {
  if (source.includes('/*')) throw new Error('WGSL: use // comments only, block comments are not minified');
  // Two words, or two operators (`- -x` is no `--x`), stay apart.
  const apart = (/** @type {RegExp} */ kind, /** @type {string[]} */ ...sides) =>
    sides.every((side) => kind.test(side));
  return source
    .split('\n')
    .map((line) => line.trim())
    .map((line) => {
      if (VERBATIM.test(line)) return line;
      const code = line.replace(/\s*\/\/.*$/, '');
      return code.replace(/(\S)\s+(?=(\S))/g, (_, before, after) =>
        apart(WORD, before, after) || apart(OPERATOR, before, after) ? `${before} ` : before,
      );
    })
    .filter((line) => line !== '')
    .join('\n');
}

/**
 * @param {{ minify?: boolean }} options
 * @returns {import('esbuild').Plugin}
 */
export function esbuildWgsl({ minify = false } = {}) {
  return {
    name: 'wgsl',
    setup(build) {
      build.onLoad({ filter: /\.wgsl$/ }, ({ path }) => {
        const files = new Set();
        const source = expandWgsl(path, files);
        return { contents: minify ? minifyWgsl(source) : source, loader: 'text', watchFiles: [...files] };
      });
    },
  };
}

/**
 * @param {{ minify?: boolean }} options
 * @returns {import('vite').Plugin}
 */
export function viteWgsl({ minify = false } = {}) {
  return {
    name: 'wgsl',
    enforce: 'pre',
    load(id) {
      if (!id.endsWith('.wgsl')) return null;
      const files = new Set();
      const source = expandWgsl(id, files);
      for (const file of files) this.addWatchFile(file);
      return `export default ${JSON.stringify(minify ? minifyWgsl(source) : source)};`;
    },
  };
}
