/**
 * JSON schemas become functions when the package is built, shared by esbuild (the package) and Vite (the tests): made at run
 * time they need `eval`, which pages forbid by their Content-Security-Policy, and the compiler is larger than what it makes.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Ajv } from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';
import { build } from 'esbuild';

/** Kernels without their code: for what is read when the package is built. @type {import('esbuild').Plugin} */
const withoutWgsl = {
  name: 'without-wgsl',
  setup(build) {
    // The file need not be there.
    build.onResolve({ filter: /\.wgsl$/ }, ({ path, resolveDir }) => ({ path: resolve(resolveDir, path) }));
    build.onLoad({ filter: /\.wgsl$/ }, () => ({ contents: 'export default []; export const constants = {};' }));
  },
};

/**
 * A JSON schema: the file X.jsonschema, or, where that is not there, what X.schema.ts exports by default, a TypeBox schema.
 * @param {string} file absolute path of X.jsonschema
 * @returns {Promise<Record<string, unknown>>}
 */
export async function loadJsonSchema(file) {
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8'));
  const { default: schema } = await evaluate(file.replace(/\.jsonschema$/, '.schema.ts'));
  return JSON.parse(JSON.stringify(schema));
}

/**
 * What a file of the package exports when the package is built.
 * @param {string} file TypeScript
 * @returns {Promise<Record<string, unknown>>}
 */
export async function evaluate(file) {
  const { outputFiles } = await build({
    entryPoints: [file],
    bundle: true,
    format: 'esm',
    platform: 'node',
    write: false,
    plugins: [withoutWgsl, esbuildJsonSchema()],
  });
  return await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}

/**
 * A module whose default export checks a value as `Ajv.compile` would. It has `fields`: for each rule that an object has no
 * other fields, by the rule's path, the fields that there are.
 * @param {string} file absolute path of the schema, which may refer to others in its folder; see `loadJsonSchema`
 * @returns {Promise<string>}
 * @throws Error when the schema needs code that Ajv loads at run time (`format`, `uniqueItems` of objects)
 */
export async function compileJsonSchema(file) {
  const ajv = new Ajv({
    allErrors: true,
    allowUnionTypes: true,
    // Lengths in UTF-16 units; code points would be counted by a function that is loaded at run time.
    unicode: false,
    logger: false, // it calls the option above deprecated
    code: { source: true, esm: true },
  });
  const schema = withoutNotes(await loadJsonSchema(file));
  const text = JSON.stringify(schema);
  for (const other of new Set(Array.from(text.matchAll(/"\$ref":"([^"#]+)"/g), ([, name]) => name))) {
    ajv.addSchema(JSON.parse(readFileSync(join(dirname(file), other), 'utf8')), other);
  }
  const code = standaloneCode(ajv, ajv.compile(schema));
  const needed = /require\("([^"]+)"\)/.exec(code)?.[1];
  if (needed) throw new Error(`${file} needs ${needed} at run time; write it without the keyword that does`);
  const name = /export default (\w+)/.exec(code)?.[1];
  return `${code}\n${name}.fields = ${JSON.stringify(Object.fromEntries(closedObjects(schema, '#')))};`;
}

/** What a schema says to people and to scripts/schemas.js alone. */
const NOTES = ['title', 'description', 'default', 'tsType', 'imports', 'variants'];

/**
 * @template T
 * @param {T} schema
 * @param {boolean} isMap whether its keys are names of fields
 * @returns {T}
 */
function withoutNotes(schema, isMap = false) {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return schema;
  const kept = Object.entries(schema).filter(([key]) => isMap || !NOTES.includes(key));
  const entries = kept.map(([key, part]) => [
    key,
    withoutNotes(part, !isMap && /^(properties|definitions)$/.test(key)),
  ]);
  return /** @type {T} */ (Object.fromEntries(entries));
}

/**
 * @param {unknown} schema
 * @param {string} path
 * @returns {[string, string[]][]}
 */
function closedObjects(schema, path) {
  if (typeof schema !== 'object' || schema === null) return [];
  const inner = Object.entries(schema).flatMap(([key, part]) => closedObjects(part, `${path}/${key}`));
  const { additionalProperties, properties } = /** @type {Record<string, unknown>} */ (schema);
  if (additionalProperties !== false) return inner;
  return [[`${path}/additionalProperties`, Object.keys(properties ?? {})], ...inner];
}

/** @returns {import('esbuild').Plugin} */
export function esbuildJsonSchema() {
  return {
    name: 'jsonschema',
    setup(build) {
      // The file need not be there.
      build.onResolve({ filter: /\.jsonschema$/ }, ({ path, resolveDir }) => ({ path: resolve(resolveDir, path) }));
      build.onLoad({ filter: /\.jsonschema$/ }, async ({ path }) => ({
        contents: await compileJsonSchema(path),
        loader: 'js',
      }));
    },
  };
}

/** @returns {import('vite').Plugin} */
export function viteJsonSchema() {
  return {
    name: 'jsonschema',
    enforce: 'pre',
    resolveId: (id, importer) => (id.endsWith('.jsonschema') && importer ? resolve(dirname(importer), id) : null),
    load: (id) => (id.endsWith('.jsonschema') ? compileJsonSchema(id) : null),
  };
}
