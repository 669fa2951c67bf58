/**
 * `npm run schemas`: of each X.schema.ts, the one text of a file that people write, makes X.generated.ts, its types and defaults,
 * and the table of its fields in the docs. The types are written out instead of TypeBox's `Static`, which shows no description in an
 * editor and would make the package's declarations import TypeBox.
 *
 * Of the list of the head loss's terms it makes their numbers in WGSL.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { evaluate, loadJsonSchema } from './jsonSchema.js';

/**
 * What of JSON schema is used, and three keywords of this file.
 * @typedef {object} Schema
 * @property {string} [title] of a type with a name of its own
 * @property {string} [description]
 * @property {string | string[]} [type]
 * @property {unknown} [default]
 * @property {(string | number)[]} [enum]
 * @property {Record<string, Schema>} [properties]
 * @property {string[]} [required]
 * @property {Schema | boolean} [additionalProperties] a schema: of every field, whatever its name
 * @property {Schema | Schema[]} [items]
 * @property {Schema[]} [anyOf]
 * @property {number} [minimum]
 * @property {number} [exclusiveMinimum]
 * @property {number} [maximum]
 * @property {string} [tsType] a type of another file …
 * @property {Record<string, string>} [imports] … of the whole schema: where these are
 * @property {Schema[]} [variants] an object's forms, where `anyOf` would tell faults by all of them
 */

/** The schemas, each with the page where its table is between `<!-- fields of NAME -->` and `<!-- end -->`. */
const SCHEMAS = {
  'src/losses/recipe': 'docs/train.md',
  'src/study/plan': 'docs/train.md',
  'src/onnx/mapping': 'docs/onnx.md',
};

/** What the files have to be, by path. @returns {Promise<Record<string, string>>} */
export async function generate() {
  /** @type {Record<string, string>} */
  const files = { 'shaders/losses/terms.generated.wgsl': await termsWgsl() };
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

/** Constants of the terms of src/losses/headTerms.ts, by their names and places. @returns {Promise<string>} */
async function termsWgsl() {
  const { TERMS } = await evaluate(resolve('src/losses/headTerms.ts'));
  const terms = /** @type {readonly import('../src/losses/headTerm.js').HeadTerm[]} */ (TERMS);
  const recorded = terms.filter(({ unrecorded }) => !unrecorded).length;
  const early = terms.slice(0, recorded).find(({ unrecorded }) => unrecorded);
  if (early) throw new Error(`${early.name}: terms without losses of single samples are the last of the list`);
  const constant = (/** @type {string} */ name, /** @type {number} */ value) => `const ${name} = ${value}u;`;
  const mask = (/** @type {(term: typeof terms[number]) => boolean | undefined} */ test) =>
    terms.reduce((bits, term, i) => bits | (test(term) ? 1 << i : 0), 0);
  return `${[
    '// Made of TERMS in src/losses/headTerms.ts by `npm run schemas`; not to be edited.',
    '',
    ...terms.map(({ name }, i) => constant(name.replace('loss', 'term').toUpperCase(), i)),
    constant('TERMS', terms.length),
    '/// The first of them, which have losses of single samples.',
    constant('RECORDED', recorded),
    '// A bit a term: whether it compares with a teacher, and whether it is of the VLR.',
    constant(
      'DISTILLATION_TERMS',
      mask(({ distils }) => distils),
    ),
    constant(
      'VLR_TERMS',
      mask(({ ofVlr }) => ofVlr),
    ),
  ].join('\n')}\n`;
}

/**
 * The declarations of all parts that have a title, innermost first, each with the defaults of its fields.
 * @param {Schema} schema
 * @param {string} name of its file
 */
export function typesOf(schema, name) {
  const imports = Object.entries(schema.imports ?? {}).map(
    ([type, from]) => `import type { ${type} } from '${from}';\n`,
  );
  const parts = new Map(titled(schema).map((part) => [part.title, part]));
  const declarations = [...parts.values()].flatMap((part) => {
    const { title, description, ...own } = part;
    // What a file leaves out has its default when it is read.
    const type =
      part === schema ? { ...own, required: [...(own.required ?? []), ...Object.keys(defaultsOf(part))] } : own;
    const isInterface = type.properties && !type.variants;
    const [before, after] = isInterface ? [`interface ${title} `, ''] : [`type ${title} = `, ';'];
    return [`${comment(description)}export ${before}${typeOf(type)}${after}\n`, ...constantsOf(part)];
  });
  const head = `// Made of ${name}.schema.ts by \`npm run schemas\`; not to be edited.\n${imports.join('')}`;
  return [head, ...declarations].join('\n');
}

/** @param {Schema} schema @returns {Schema[]} */
function titled(schema) {
  const { title, properties = {}, items = [], anyOf = [], variants = [] } = schema;
  const fields = variants.length > 0 ? [] : Object.values(properties);
  const parts = [...fields, ...[namedField(schema) ?? []].flat(), ...[items].flat(), ...anyOf, ...variants];
  return [...parts.flatMap(titled), ...(title ? [schema] : [])];
}

/** Of an object whose fields may have any name. @param {Schema} schema */
function namedField({ additionalProperties }) {
  return typeof additionalProperties === 'object' ? additionalProperties : undefined;
}

/** @param {Schema} schema @returns {string[]} */
function constantsOf(schema) {
  const { title = '', properties = {} } = schema;
  const defaults = defaultsOf(schema);
  const names = Object.keys(defaults);
  if (names.length === 0) return [];
  const all = names.length === Object.keys(properties).length;
  const type = all ? title : `Required<Pick<${title}, ${names.map((key) => `'${key}'`).join(' | ')}>>`;
  const constant = title.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
  const text = `/** The default of every field${all ? '' : ' that has one'}. */`;
  return [`${text}\nexport const ${constant}_DEFAULTS: ${type} = ${literal(defaults)};\n`];
}

/** Of an object's fields, and of those of objects in it. @param {Schema} schema @returns {Record<string, unknown>} */
function defaultsOf({ properties = {}, variants }) {
  if (variants) return {};
  const entries = Object.entries(properties).flatMap(([key, part]) => {
    const value = part.properties ? defaultsOf(part) : part.default;
    const isNone = value === undefined || (part.properties && Object.keys(Object(value)).length === 0);
    return isNone ? [] : [[key, value]];
  });
  return Object.fromEntries(entries);
}

/** @param {Schema} schema @param {string} indent @returns {string} */
function typeOf(schema, indent = '') {
  const { title, properties, items } = schema;
  const of = (/** @type {Schema} */ part) => typeOf(part, indent);
  const union = schema.anyOf ?? schema.variants;
  if (title ?? schema.tsType) return String(title ?? schema.tsType);
  if (schema.enum) return schema.enum.map((value) => literal(value)).join(' | ');
  if (union) return union.map(of).join(' | ');
  if (properties) {
    const inner = `${indent}  `;
    const fields = Object.entries(properties).map(([key, part]) => {
      const mark = schema.required?.includes(key) ? '' : '?';
      return `${comment(textOf(part), inner)}${inner}${key}${mark}: ${typeOf(part, inner)};\n`;
    });
    return `{\n${fields.join('')}${indent}}`;
  }
  const list = () => {
    if (Array.isArray(items)) return `[${items.map(of).join(', ')}]`;
    const item = of(items ?? {});
    return item.includes(' | ') ? `(${item})[]` : `${item}[]`;
  };
  const words = [schema.type].flat().map((type) => {
    if (type === 'array') return list();
    if (type === 'object') return `Record<string, ${of(namedField(schema) ?? { type: 'unknown' })}>`;
    return type === 'integer' ? 'number' : String(type);
  });
  return words.join(' | ');
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

/** @param {unknown} value @param {string} indent @returns {string} */
function literal(value, indent = '') {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value !== 'object' || value === null || Object.keys(value).length === 0) return JSON.stringify(value);
  const fields = Object.entries(value).map(([key, part]) => `${indent}  ${key}: ${literal(part, `${indent}  `)},\n`);
  return `{\n${fields.join('')}${indent}}`;
}

/** The table of all fields. @param {Schema} schema */
export function tableOf(schema) {
  const cells = rowsOf(schema).map((row) => row.map((cell) => cell.replaceAll('|', '\\|')).join(' | '));
  return ['| field | default | may be | |', '|---|---|---|---|', ...cells.map((row) => `| ${row} |`)].join('\n');
}

/**
 * Path, default, range and text of each field.
 * @param {Schema} schema
 * @param {string} path
 * @param {boolean} isRequired
 * @returns {string[][]}
 */
function rowsOf(schema, path = '', isRequired = true) {
  const { properties = {}, items, variants, description = '' } = schema;
  if (variants) return variants.flatMap((form) => rowsOf(form, path));
  const fields = Object.entries(properties);
  if (fields.length > 0) {
    return fields.flatMap(([key, part]) =>
      rowsOf(part, path ? `${path}.${key}` : key, schema.required?.includes(key) ?? false),
    );
  }
  const inner = namedField(schema);
  if (inner?.properties) return rowsOf(inner, `${path}.NAME`);
  if (items && !Array.isArray(items) && items.properties) return rowsOf(items, `${path}[]`);
  const { default: standard = isRequired ? 'required' : 'none' } = schema;
  return [[`\`${path}\``, typeof standard === 'object' ? 'none' : String(standard), rangeOf(schema), description]];
}

/** What a value may be, in words. @param {Schema} schema @returns {string} */
function rangeOf(schema) {
  const { items, anyOf } = schema;
  const inner = namedField(schema);
  if (schema.enum) return schema.enum.join(', ');
  if (anyOf) return anyOf.map(rangeOf).join(' or ');
  const words = [schema.type].flat().map((type) => {
    if (type === 'array') {
      return Array.isArray(items)
        ? `list of ${items.length}: ${rangeOf(items[0])}`
        : `list of: ${rangeOf(items ?? {})}`;
    }
    if (type === 'object' && inner) return `by name: ${rangeOf(inner)}`;
    if (type === 'boolean') return 'true, false';
    if (type === 'string') return 'text';
    return boundsOf({ ...schema, type }) || String(type);
  });
  return words.join(' or ');
}

/** Of a number. @param {Schema} schema */
function boundsOf({ type, minimum, exclusiveMinimum, maximum }) {
  if (type !== 'integer' && type !== 'number') return '';
  const lower = minimum === undefined ? '' : `${minimum}${maximum === undefined ? ' or more' : ` to ${maximum}`}`;
  const above = exclusiveMinimum === undefined ? '' : `above ${exclusiveMinimum}`;
  const upper = minimum !== undefined || maximum === undefined ? '' : `up to ${maximum}`;
  return [type === 'integer' ? 'whole' : '', lower, above, upper].filter(Boolean).join(', ');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const [file, text] of Object.entries(await generate())) writeFileSync(file, text);
}
