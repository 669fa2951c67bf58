/**
 * JSON schemas become functions when the package is built, shared by esbuild (the package) and Vite (the tests): made at run
 * time they need `eval`, which pages forbid by their Content-Security-Policy, and the compiler is larger than what it makes.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Ajv } from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';

/**
 * A module whose default export checks a value as `Ajv.compile` would. It has `fields`: for each rule that an object has no
 * other fields, by the rule's path, the fields that there are.
 * @param {string} file absolute path of the schema, which may refer to others in its folder
 * @returns {string}
 * @throws Error when the schema needs code that Ajv loads at run time (`format`, `uniqueItems` of objects)
 */
export function compileJsonSchema(file) {
  const ajv = new Ajv({
    allErrors: true,
    allowUnionTypes: true,
    // Lengths in UTF-16 units; code points would be counted by a function that is loaded at run time.
    unicode: false,
    logger: false, // it calls the option above deprecated
    code: { source: true, esm: true },
  });
  const text = readFileSync(file, 'utf8');
  for (const other of new Set(Array.from(text.matchAll(/"\$ref": "([^"#]+)"/g), ([, name]) => name))) {
    ajv.addSchema(JSON.parse(readFileSync(join(dirname(file), other), 'utf8')), other);
  }
  const schema = JSON.parse(text);
  const code = standaloneCode(ajv, ajv.compile(schema));
  const needed = /require\("([^"]+)"\)/.exec(code)?.[1];
  if (needed) throw new Error(`${file} needs ${needed} at run time; write it without the keyword that does`);
  const name = /export default (\w+)/.exec(code)?.[1];
  return `${code}\n${name}.fields = ${JSON.stringify(Object.fromEntries(closedObjects(schema, '#')))};`;
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
      build.onLoad({ filter: /\.jsonschema$/ }, ({ path }) => ({ contents: compileJsonSchema(path), loader: 'js' }));
    },
  };
}

/** @returns {import('vite').Plugin} */
export function viteJsonSchema() {
  return {
    name: 'jsonschema',
    enforce: 'pre',
    load: (id) => (id.endsWith('.jsonschema') ? compileJsonSchema(id) : null),
  };
}
