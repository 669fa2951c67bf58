/**
 * The one include mechanism for WGSL, shared by esbuild (the package) and Vite (the tests).
 * A line `#include "path"` is replaced by that file; a file already included is left out the second time.
 */
import { readFileSync } from 'node:fs';
import { dirname, relative, resolve, sep } from 'node:path';
import { constantsOf } from './wgslConstants.js';

const INCLUDE = /^#include[^\S\n]+"([^"]+)"[^\S\n]*\n/m;

/**
 * A module in the parts that it is put together from: what stands between the includes of its files.
 * @param {string} file absolute path
 * @param {Set<string>} seen files already in the module; those read here are added
 * @returns {{ file: string, index: number, text: string }[]} each part with its place in its file
 */
function partsOf(file, seen) {
  seen.add(file);
  /** @type {{ file: string, index: number, text: string }[]} */
  const parts = [];
  for (const [index, { include, text }] of segments(file).entries()) {
    const included = include && resolve(dirname(file), include);
    if (included && !seen.has(included)) parts.push(...partsOf(included, seen));
    parts.push({ file, index, text });
  }
  return parts;
}

/** @param {string} file @returns {{ include: string | null, text: string }[]} what follows the beginning and each include */
function segments(file) {
  const [first, ...rest] = readFileSync(file, 'utf8').split(INCLUDE);
  const found = [{ include: /** @type {string | null} */ (null), text: first }];
  for (let i = 0; i < rest.length; i += 2) found.push({ include: rest[i], text: rest[i + 1] });
  return found;
}

/**
 * Reads a WGSL file and expands its includes.
 * @param {string} file absolute path
 * @param {Set<string>} seen the files of the module are added
 * @returns {string}
 */
export function expandWgsl(file, seen = new Set()) {
  return partsOf(file, seen)
    .map(({ text }) => text)
    .join('');
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

/** @param {string} file @returns {string} the numbers of the file as an export */
const exportConstants = (file) =>
  `export const constants = ${JSON.stringify(constantsOf(readFileSync(file, 'utf8')))};`;

/**
 * A WGSL file becomes the list of its parts, each a module of its own, `file.wgsl?index`: kernels share what they include.
 * @param {{ minify?: boolean }} options
 * @returns {import('esbuild').Plugin}
 */
export function esbuildWgsl({ minify = false } = {}) {
  const finish = minify ? minifyWgsl : (/** @type {string} */ source) => source;
  return {
    name: 'wgsl',
    setup(build) {
      build.onLoad({ filter: /\.wgsl$/ }, ({ path, suffix }) => {
        if (suffix) return { contents: finish(segments(path)[Number(suffix.slice(1))].text), loader: 'text' };
        const files = new Set();
        const parts = partsOf(path, files).filter(({ text }) => finish(text).trim() !== '');
        const imports = parts.map(({ file, index }, i) => {
          const from = relative(dirname(path), file).split(sep).join('/');
          return `import part${i} from ${JSON.stringify(`./${from}?${index}`)};`;
        });
        const list = parts.map((_, i) => `part${i}`).join(', ');
        const contents = `${imports.join('\n')}\nexport default [${list}];\n${exportConstants(path)}`;
        return { contents, loader: 'js', watchFiles: [...files] };
      });
    },
  };
}

/**
 * A WGSL file becomes the list of its parts.
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
      const parts = partsOf(id, files).map(({ text }) => (minify ? minifyWgsl(text) : text));
      for (const file of files) this.addWatchFile(file);
      return `export default ${JSON.stringify(parts)};\n${exportConstants(id)}`;
    },
  };
}
