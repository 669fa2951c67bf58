/**
 * `npm run schemas`: of each X.schema.ts, the one text of a file that people write, makes X.generated.ts, its types and defaults,
 * and the table of its fields in the docs. The types are written out instead of TypeBox's `Static`, which shows no description in an
 * editor and would make the package's declarations import TypeBox.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadJsonSchema } from './jsonSchema.js';

/**
 * What of JSON schema is used, and two keywords of this file.
 * @typedef {object} Schema
 * @property {string} [title] of a type with a name of its own
 * @property {string} [description]
 * @property {string} [type]
 * @property {unknown} [default]
 * @property {(string | number)[]} [enum]
 * @property {Record<string, Schema>} [properties]
 * @property {string[]} [required]
 * @property {Record<string, Schema>} [patternProperties]
 * @property {Schema | Schema[]} [items]
 * @property {Schema[]} [anyOf]
 * @property {number} [minimum]
 * @property {number} [exclusiveMinimum]
 * @property {number} [maximum]
 * @property {string} [tsType] a type of another file …
 * @property {Record<string, string>} [imports] … of the whole schema: where these are
 */

/** The schemas, each with the page where its table is between `<!-- fields of NAME -->` and `<!-- end -->`. */
const SCHEMAS = { 'src/losses/recipe': 'docs/train.md' };

/** What the files have to be, by path. @returns {Promise<Record<string, string>>} */
export async function generate() {
  /** @type {Record<string, string>} */
  const files = {};
  for (const [path, page] of Object.entries(SCHEMAS)) {
    const schema = /** @type {Schema} */ (await loadJsonSchema(resolve(`${path}.jsonschema`)));
    const name = path.replace(/.*\//, '');
    files[`${path}.generated.ts`] = typesOf(schema, name);
    const text = files[page] ?? readFileSync(page, 'utf8');
    const place = new RegExp(`(<!-- fields of ${name} -->\n)[^]*?(\n<!-- end -->)`);
    if (!place.test(text)) throw new Error(`${page} has no <!-- fields of ${name} --> … <!-- end -->`);
    files[page] = text.replace(place, (_, start, end) => `${start}\n${tableOf(schema)}\n${end}`);
  }
  return files;
}

/**
 * The declarations of all parts that have a title, innermost first, and of the defaults where all fields have one.
 * @param {Schema} schema
 * @param {string} name of its file
 */
export function typesOf(schema, name) {
  const imports = Object.entries(schema.imports ?? {}).map(
    ([type, from]) => `import type { ${type} } from '${from}';\n`,
  );
  const parts = new Map(titled(schema).map((part) => [part.title, part]));
  const declarations = [...parts.values()].map(({ title, description, ...type }) => {
    const [before, after] = type.properties ? [`interface ${title} `, ''] : [`type ${title} = `, ';'];
    return `${comment(description)}export ${before}${typeOf(type)}${after}\n`;
  });
  const defaults = defaultsOf(schema);
  if (defaults !== undefined) {
    const constant = `${String(schema.title).toUpperCase()}_DEFAULTS`;
    declarations.push(
      `/** The default of every field. */\nexport const ${constant}: ${schema.title} = ${literal(defaults)};\n`,
    );
  }
  return [
    `// Made of ${name}.schema.ts by \`npm run schemas\`; not to be edited.\n${imports.join('')}`,
    ...declarations,
  ].join('\n');
}

/** @param {Schema} schema @returns {Schema[]} */
function titled(schema) {
  const { title, properties = {}, patternProperties = {}, items = [], anyOf = [] } = schema;
  const parts = [...Object.values(properties), ...Object.values(patternProperties), ...[items].flat(), ...anyOf];
  return [...parts.flatMap(titled), ...(title ? [schema] : [])];
}

/** @param {Schema} schema @param {string} indent @returns {string} */
function typeOf(schema, indent = '') {
  const { title, type, properties, patternProperties, items } = schema;
  const of = (/** @type {Schema} */ part) => typeOf(part, indent);
  if (title ?? schema.tsType) return String(title ?? schema.tsType);
  if (schema.enum) return schema.enum.map((value) => literal(value)).join(' | ');
  if (schema.anyOf) return schema.anyOf.map(of).join(' | ');
  if (Array.isArray(items)) return `[${items.map(of).join(', ')}]`;
  if (items) return of(items).includes(' | ') ? `(${of(items)})[]` : `${of(items)}[]`;
  if (patternProperties) return `Record<string, ${Object.values(patternProperties).map(of).join(' | ')}>`;
  if (!properties) return type === 'integer' ? 'number' : String(type);
  const inner = `${indent}  `;
  const fields = Object.entries(properties).map(([key, part]) => {
    const mark = schema.required?.includes(key) ? '' : '?';
    return `${comment(textOf(part), inner)}${inner}${key}${mark}: ${typeOf(part, inner)};\n`;
  });
  return `{\n${fields.join('')}${indent}}`;
}

/** What a field means, its range and its default. @param {Schema} schema */
function textOf(schema) {
  const range = boundsOf(schema);
  const standard = schema.default === undefined ? '' : `default ${literal(schema.default)}`;
  const note = [range, standard].filter(Boolean).join('; ');
  return [schema.description ?? '', note && `${note[0].toUpperCase()}${note.slice(1)}.`].filter(Boolean).join(' ');
}

const WIDTH = 120;

/** @param {string | undefined} text @param {string} indent */
function comment(text, indent = '') {
  if (!text) return '';
  if (`${indent}/** ${text} */`.length <= WIDTH) return `${indent}/** ${text} */\n`;
  const lines = [` *`];
  for (const word of text.split(' ')) {
    const longer = `${lines[lines.length - 1]} ${word}`;
    if (indent.length + longer.length <= WIDTH) lines[lines.length - 1] = longer;
    else lines.push(` * ${word}`);
  }
  return ['/**', ...lines, ' */'].map((line) => `${indent}${line}\n`).join('');
}

/** @param {Schema} schema @returns {unknown} */
function defaultsOf(schema) {
  if (!schema.properties) return schema.default;
  const entries = Object.entries(schema.properties).map(([key, part]) => [key, defaultsOf(part)]);
  return entries.some(([, value]) => value === undefined) ? undefined : Object.fromEntries(entries);
}

/** @param {unknown} value @param {string} indent @returns {string} */
function literal(value, indent = '') {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value !== 'object' || value === null) return String(value);
  const fields = Object.entries(value).map(([key, part]) => `${indent}  ${key}: ${literal(part, `${indent}  `)},\n`);
  return `{\n${fields.join('')}${indent}}`;
}

/** The table of all fields. @param {Schema} schema */
export function tableOf(schema) {
  const rows = rowsOf(schema);
  const hasDefaults = rows.some(({ standard }) => standard !== '');
  const head = ['field', ...(hasDefaults ? ['default'] : []), 'may be'];
  const line = (/** @type {string[]} */ cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [
    `${line(head)} |`,
    `${'|---'.repeat(head.length + 1)}|`,
    ...rows.map(({ path, standard, range, text }) =>
      line([`\`${path}\``, ...(hasDefaults ? [standard] : []), range, text]),
    ),
  ].join('\n');
}

/** @typedef {{ path: string; standard: string; range: string; text: string }} Row */

/** @param {Schema} schema @param {string} path @returns {Row[]} */
function rowsOf(schema, path = '') {
  const { properties, patternProperties = {}, items, description = '' } = schema;
  if (properties) {
    return Object.entries(properties).flatMap(([key, part]) => rowsOf(part, path ? `${path}.${key}` : key));
  }
  const [inner] = Object.values(patternProperties);
  if (inner?.properties) return rowsOf(inner, `${path}.NAME`);
  if (items && !Array.isArray(items) && items.properties) return rowsOf(items, `${path}[]`);
  const standard = schema.default === undefined ? '' : String(schema.default);
  return [{ path, standard, range: rangeOf(schema), text: description }];
}

/** What a value may be, in words. @param {Schema} schema @returns {string} */
function rangeOf(schema) {
  const { type, items, anyOf } = schema;
  if (schema.enum) return schema.enum.join(', ');
  if (anyOf) return anyOf.map(rangeOf).join(', ');
  if (Array.isArray(items)) return `list of ${items.length}: ${rangeOf(items[0])}`;
  if (items) return `list of: ${rangeOf(items)}`;
  if (type === 'boolean') return 'true, false';
  if (type === 'string') return 'text';
  return boundsOf(schema) || String(type);
}

/** Of a number. @param {Schema} schema */
function boundsOf({ type, minimum, exclusiveMinimum, maximum }) {
  const lower = minimum === undefined ? '' : `${minimum}${maximum === undefined ? ' or more' : ` to ${maximum}`}`;
  const above = exclusiveMinimum === undefined ? '' : `above ${exclusiveMinimum}`;
  const upper = minimum !== undefined || maximum === undefined ? '' : `up to ${maximum}`;
  return [type === 'integer' ? 'whole' : '', lower, above, upper].filter(Boolean).join(', ');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const [file, text] of Object.entries(await generate())) writeFileSync(file, text);
}
