/**
 * Writes dist/types/, the declarations of the entries, for TypeScript 5.6 and later with or without the DOM's:
 *
 * - TypeScript has WebGPU in the DOM's declarations from 6 on. Before, `@webgpu/types` brings it, which is a duplicate there: so
 *   dist/types/ts5/ has entries of their own, which `"types@<6"` in package.json selects.
 * - For a program that leaves the DOM out there are empty interfaces, which elsewhere merge with the true ones.
 * - Before 5.7 no typed array takes a type argument.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { posix } from 'node:path';

const { dirname, join, relative } = posix;
export const FOLDER = 'dist/types';
/** Interfaces that the declarations use and only the DOM, or `@webgpu/types`, has. */
const GLOBAL = /\b(?:GPU(?:[A-Z]\w*)?|AbortSignal|ImageBitmap)\b/g;
const COMMENT = /\/\*[\s\S]*?\*\/|\/\/.*/g;

/**
 * The path of tsc. 7 is eight times as fast; TypeDoc, and those who use declarations, have older ones.
 * @param {'typescript' | 'typescript7'} version
 */
export function compiler(version) {
  return join(dirname(createRequire(import.meta.url).resolve(`${version}/package.json`)), 'bin/tsc');
}

export function writeTypes() {
  rmSync(FOLDER, { recursive: true, force: true });
  // Of all that the entries' code imports; most of it is not in their declarations.
  const all = `${FOLDER}-all`;
  execFileSync(process.execPath, [compiler('typescript7'), '--project', 'tsconfig.build.json', '--outDir', all], {
    stdio: 'inherit',
  });
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8'));
  const entries = Object.values(exports).flatMap(({ types }) => (types ? [relative(FOLDER, types)] : []));

  const webgpu = readFileSync('node_modules/@webgpu/types/dist/index.d.ts', 'utf8');
  /** @type {Set<string>} */
  const globals = new Set();
  for (const file of withImports(all, entries)) {
    const text = withoutArguments(readFileSync(join(all, file), 'utf8'));
    // TypeScript writes such where a type that it infers is not imported.
    for (const [, path] of text.matchAll(/\bimport\("(\.[^"]*)"\)/g)) {
      if (!path.endsWith('.js'))
        throw new Error(`${file}: import("${path}") has no extension; write the type in the source.`);
    }
    for (const [name] of text.replace(COMMENT, '').matchAll(GLOBAL)) globals.add(name);
    const reference = entries.includes(file) ? `/// <reference path="${specifier(file, 'globals.d.ts')}" />\n` : '';
    write(file, reference + text);
  }
  const aliases = [...globals].filter((name) => new RegExp(`^type ${name}\\b`, 'm').test(webgpu));
  if (aliases.length > 0)
    throw new Error(`${aliases}: no interfaces, with which an empty one would merge; write other types.`);
  write('globals.d.ts', [...globals].map((name) => `interface ${name} {}\n`).join(''));
  for (const entry of entries) {
    const target = specifier(join('ts5', entry), entry).replace(/\.d\.ts$/, '.js');
    write(join('ts5', entry), `/// <reference types="@webgpu/types" />\nexport * from '${target}';\n`);
  }
  rmSync(all, { recursive: true });
}

/**
 * The files, and those that they import, and so on.
 * @param {string} folder
 * @param {string[]} files relative to it
 */
function withImports(folder, files) {
  const found = new Set(files);
  for (const file of found) {
    const text = readFileSync(join(folder, file), 'utf8').replace(COMMENT, '');
    for (const [, path] of text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"](\.[^'"]+)\.js['"]/g)) {
      found.add(join(dirname(file), `${path}.d.ts`));
    }
  }
  return found;
}

/** @param {string} from @param {string} to files relative to the folder */
function specifier(from, to) {
  const path = relative(dirname(from), to);
  return path.startsWith('.') ? path : `./${path}`;
}

/** @param {string} file relative to the folder @param {string} text */
function write(file, text) {
  mkdirSync(join(FOLDER, dirname(file)), { recursive: true });
  writeFileSync(join(FOLDER, file), text);
}

/** The same types without an argument of an array: `slice` gives one that shares its memory with no other thread. @param {string} text */
function withoutArguments(text) {
  return text
    .replace(/\bArrayBufferView<ArrayBuffer>/g, '(ArrayBufferView & { buffer: ArrayBuffer })')
    .replace(/\b(\w+Array)<ArrayBuffer>/g, "ReturnType<$1['slice']>")
    .replace(/\b(\w+Array|ArrayBufferView|Buffer)<ArrayBufferLike>/g, '$1');
}
