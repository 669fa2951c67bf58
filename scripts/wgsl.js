/**
 * WGSL files as modules, shared by esbuild (the package) and Vite (the tests). A file becomes the list of its parts: what stands
 * between its lines `#include "path"`, and the parts of those files. A file already included is left out the second time.
 * What the host has to know (bindings, `struct Params`, loops to write out) is read here, so that no WGSL is parsed at run time;
 * src/gpu/wgsl.ts says what a part is.
 */
import { readFileSync } from 'node:fs';
import { dirname, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { constantsOf } from './wgslConstants.js';
import { codeOf } from './wgslLoops.js';
import { minifyWgsl } from './wgslMinify.js';
import { declarationsOf } from './wgslReflect.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const INCLUDE = /^#include[^\S\n]+"([^"]+)"[^\S\n]*\n/m;

/** @typedef {{ file: string, index: number, line: number, text: string }} Part a stretch of a file, from its line on */

/**
 * A module in the parts that it is put together from.
 * @param {string} file absolute path
 * @param {Set<string>} seen files already in the module; those read here are added
 * @returns {Part[]}
 */
function partsOf(file, seen = new Set()) {
  seen.add(file);
  /** @type {Part[]} */
  const parts = [];
  for (const { include, ...part } of segments(file)) {
    const included = include && resolve(dirname(file), include);
    if (included && !seen.has(included)) parts.push(...partsOf(included, seen));
    parts.push(part);
  }
  return parts;
}

/** @param {string} file @returns {(Part & { include: string | null })[]} what follows the beginning and each include */
function segments(file) {
  const [first, ...rest] = readFileSync(file, 'utf8').split(INCLUDE);
  const found = [{ include: /** @type {string | null} */ (null), file, index: 0, line: 1, text: first }];
  for (let i = 0; i < rest.length; i += 2) {
    const { line, text } = found[found.length - 1];
    found.push({ include: rest[i], file, index: found.length, line: line + lines(text) + 1, text: rest[i + 1] });
  }
  return found;
}

/** @param {string} text @returns {number} */
const lines = (text) => text.split('\n').length - 1;

/** @param {string} file @param {Set<string>} [seen] */
export function expandWgsl(file, seen) {
  return partsOf(file, seen)
    .map(({ text }) => text)
    .join('');
}

/**
 * A part as the runtime takes it: WGSL alone, or with what the host has to know of it.
 * @param {Part} part
 * @param {boolean} minify also: without the comments that say where the code comes from
 * @returns {import('../src/gpu/wgsl.js').WgslPart}
 */
function partFor({ file, line, text }, minify) {
  const name = relative(ROOT, file).split(sep).join('/');
  const code = codeOf(text, minify ? { minify: minifyWgsl } : { from: { file: name, line } });
  const declarations = declarationsOf(name, text, () => expandWgsl(file));
  return !declarations && typeof code === 'string' ? code : { code, ...declarations };
}

/**
 * A module as the runtime takes it.
 * @param {string} file absolute path
 * @param {{ minify?: boolean, files?: Set<string> }} [options] `files`: those of the module are added
 */
export function wgslParts(file, { minify = false, files } = {}) {
  return partsOf(file, files)
    .filter(({ text }) => !isEmpty(text))
    .map((part) => partFor(part, minify));
}

/** @param {string} text */
const isEmpty = (text) => minifyWgsl(text).trim() === '';

/**
 * What a module exports beside its parts.
 * @param {string} file
 */
const exportConstants = (file) =>
  `export const constants = ${JSON.stringify(constantsOf(readFileSync(file, 'utf8')))};`;

/**
 * Each part is a module of its own, `file.wgsl?index`: kernels share what they include.
 * @param {{ minify?: boolean }} options
 * @returns {import('esbuild').Plugin}
 */
export function esbuildWgsl({ minify = false } = {}) {
  return {
    name: 'wgsl',
    setup(build) {
      build.onLoad({ filter: /\.wgsl$/ }, ({ path, suffix }) => {
        if (suffix) {
          const part = partFor(segments(path)[Number(suffix.slice(1))], minify);
          return { contents: `export default ${JSON.stringify(part)};`, loader: 'js' };
        }
        const files = new Set();
        const parts = partsOf(path, files).filter(({ text }) => !isEmpty(text));
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
      const parts = wgslParts(id, { minify, files });
      for (const file of files) this.addWatchFile(file);
      return `export default ${JSON.stringify(parts)};\n${exportConstants(id)}`;
    },
  };
}

/**
 * A WGSL text as a kernel's source, for tests.
 * @param {string} text
 * @returns {import('../src/gpu/wgsl.js').WgslPart[]}
 */
export function wgslOf(text) {
  return [{ code: codeOf(text, {}), ...declarationsOf('the text', text, () => text) }];
}
