/** `npm run size`: what a browser loads of each entry, after `npm run build`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const FOLDER = 'dist/browser';

/** A file and those that it imports. @param {string} file @returns {string[]} */
function withImports(file) {
  const text = readFileSync(join(FOLDER, file), 'utf8');
  const imported = [...text.matchAll(/(?:from|import)"\.\/([^"]+)"/g)].map(([, name]) => name);
  return [file, ...new Set(imported.flatMap(withImports))];
}

for (const [name, entry] of [
  ['edgewise', 'index.js'],
  ['edgewise/web', 'web.js'],
]) {
  const files = withImports(entry).map((file) => readFileSync(join(FOLDER, file)));
  const kilobytes = (/** @type {number[]} */ sizes) => Math.round(sizes.reduce((a, b) => a + b) / 1000);
  const raw = kilobytes(files.map((file) => file.length));
  const zipped = kilobytes(files.map((file) => gzipSync(file, { level: 9 }).length));
  console.error(`${name} in browsers: ${raw} kB, ${zipped} kB gzip`);
}
