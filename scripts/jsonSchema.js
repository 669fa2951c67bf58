/**
 * JSON schemas become functions when the package is built, shared by esbuild (the package) and Vite (the tests): made at run
 * time they need `eval`, which pages forbid by their Content-Security-Policy, and the compiler is larger than what it makes.
 */
import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';

/**
 * A module whose default export checks a value as `Ajv.compile` would.
 * @param {string} file absolute path of the schema
 * @param {{ verbose?: boolean }} options whether an error has the value and the schema, for messages; browsers do without
 * @returns {string}
 * @throws Error when the schema needs code that Ajv loads at run time (`format`, `uniqueItems` of objects)
 */
export function compileJsonSchema(file, { verbose = true } = {}) {
  const ajv = new Ajv({
    allErrors: true,
    verbose,
    // Lengths in UTF-16 units; code points would be counted by a function that is loaded at run time.
    unicode: false,
    logger: false, // it calls the option above deprecated
    code: { source: true, esm: true },
  });
  const code = standaloneCode(ajv, ajv.compile(JSON.parse(readFileSync(file, 'utf8'))));
  const needed = /require\("([^"]+)"\)/.exec(code)?.[1];
  if (needed) throw new Error(`${file} needs ${needed} at run time; write it without the keyword that does`);
  return code;
}

/**
 * @param {{ verbose?: boolean }} options as above
 * @returns {import('esbuild').Plugin}
 */
export function esbuildJsonSchema(options = {}) {
  return {
    name: 'jsonschema',
    setup(build) {
      build.onLoad({ filter: /\.jsonschema$/ }, ({ path }) => ({
        contents: compileJsonSchema(path, options),
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
    load: (id) => (id.endsWith('.jsonschema') ? compileJsonSchema(id) : null),
  };
}
