// Its main file is CommonJS under the name of a module, which Node cannot import.
import { WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js';
import { withoutMatrices } from './wgslMatrices.js';

const WANTED = /@binding|@workgroup_size|\bstruct Params\b|^override /m;
/** Of an `override`, what a loop to write out or a workgroup may be as large as. */
const DEFAULT = /^override (\w+): u32 = (\d+)u?;/gm;
/** Of those, what types depend on: WGSL has to have its value. */
const FIXED = /^override (\w+): u32 = \d+u?; \/\/ const$/gm;
const TYPE = { vec4u: 'u32', vec4i: 'i32', vec4f: 'f32' };

/**
 * What the host has to know of a stretch of WGSL: its bindings, the fields of `struct Params`, its workgroup and the defaults of
 * `override` constants; null where it declares nothing of that.
 * @param {string} name for errors
 * @param {string} text
 * @param {() => string} whole the file with its includes, which may declare what the text uses
 * @returns {Omit<import('../src/gpu/wgsl.js').WgslDeclarations, 'code'> | null}
 * @throws Error for a uniform that src/gpu/wgsl.ts could not lay out
 */
export function declarationsOf(name, text, whole) {
  const own = withoutComments(text);
  if (!WANTED.test(own)) return null;
  const module = new WgslReflect(withoutBodies(withoutMatrices(withoutComments(whole()))));
  const declared = [...module.uniforms, ...module.storage].filter(({ name: variable }) =>
    new RegExp(`\\bvar\\s*<[^>]*>\\s*${variable}\\s*:`).test(own),
  );
  for (const { name: variable, group, type } of declared) {
    if (group !== 0) throw new Error(`${name}: ${variable} is of group ${group}; use 0`);
    const isUniform = module.uniforms.some((uniform) => uniform.name === variable);
    if (isUniform && (variable !== 'params' || type.name !== 'Params')) {
      throw new Error(`${name}: write the uniform as params: Params, not ${variable}: ${type.name}`);
    }
  }
  const bound = (/** @type {string} */ access) =>
    Object.fromEntries(
      declared
        .filter((one) => one.name !== 'params' && one.access === access)
        .map(({ name: variable, binding }) => [variable, binding]),
    );
  const [reads, writes] = [bound('read'), bound('read_write')];
  const uniform = declared.find((one) => one.name === 'params')?.binding;
  const struct = module.structs.find((one) => one.name === 'Params' && /\bstruct\s+Params\b/.test(own));
  const overrides = Object.fromEntries([...own.matchAll(DEFAULT)].map(([, key, value]) => [key, Number(value)]));
  const fixed = [...text.matchAll(FIXED)].map(([, key]) => key);
  const size = /@workgroup_size/.test(own) ? workgroupOf(name, module) : null;
  return {
    ...(uniform !== undefined && { uniform }),
    ...(Object.keys(reads).length > 0 && { reads }),
    ...(Object.keys(writes).length > 0 && { writes }),
    ...(struct && { params: fieldsOf(name, struct, whole()) }),
    ...(size !== null && { workgroup: size }),
    ...(Object.keys(overrides).length > 0 && { overrides }),
    ...(fixed.length > 0 && { fixed }),
  };
}

/** @param {string} name @param {WgslReflect} module @returns {number | string} invocations, or the `override` that says how many */
function workgroupOf(name, module) {
  const main = module.entry.compute.find((entry) => entry.name === 'main');
  const value = main?.attributes?.find((attribute) => attribute.name === 'workgroup_size')?.value;
  const sizes = [value ?? []].flat();
  if (sizes.length === 1 && /^[A-Z]\w*$/.test(sizes[0])) return sizes[0];
  const product = sizes.reduce((all, size) => all * Number.parseInt(size, 10), 1);
  if (sizes.length > 0 && product > 0) return product;
  throw new Error(`${name}: the @workgroup_size of main is of literals, or one override`);
}

/**
 * @param {string} name
 * @param {import('wgsl_reflect').StructInfo} struct
 * @param {string} whole
 * @returns {NonNullable<import('../src/gpu/wgsl.js').WgslDeclarations['params']>}
 */
function fieldsOf(name, struct, whole) {
  const [, body = ''] = /struct\s+Params\s*\{([^}]*)\}/.exec(withoutComments(whole)) ?? [];
  // wgsl_reflect takes 1 for a length that it does not know.
  for (const [, length] of body.matchAll(/,\s*([A-Za-z_]\w*)\s*>/g)) {
    if (new RegExp(`\\bconst\\s+${length}\\b`).test(whole)) continue;
    throw new Error(`${name}: ${length} is the length of an array, but no const of the file or of what it includes`);
  }
  let end = 0;
  const fields = struct.members.map(({ name: field, type, offset }) => {
    const { format, count } = /** @type {import('wgsl_reflect').ArrayInfo} */ (type);
    const isScalar = /^[uif]32$/.test(type.name);
    const element = format && (TYPE[format.name] ?? (format.name === 'vec4' ? format.format?.name : undefined));
    if (!isScalar && (!element || !count)) {
      throw new Error(
        `${name}: params.${field} is ${type.name}; use u32, i32, f32 or array<vec4*, N>, N in the file or what it includes`,
      );
    }
    // The runtime lays out by the same rule, which is thereby checked.
    const at = isScalar ? end : 16 * Math.ceil(end / 16);
    if (offset !== at) throw new Error(`${name}: params.${field} is at ${offset}, not ${at}`);
    end = at + (isScalar ? 4 : 16 * count);
    return [field, isScalar ? type.name : [element, 4 * count]];
  });
  return Object.fromEntries(fields);
}

/** @param {string} text */
const withoutComments = (text) => text.replace(/\/\/.*$/gm, '');

/**
 * Declarations alone: wgsl_reflect stumbles over some expressions, and a part need not have all the functions that it calls.
 * @param {string} code without comments
 */
function withoutBodies(code) {
  let kept = '';
  let depth = 0;
  let isFunction = false;
  for (const [token] of code.matchAll(/\bfn\b|[{}]|[^{}f]+|f/g)) {
    if (token === 'fn') isFunction = true;
    if (token === '}' && isFunction) depth--;
    if (depth === 0) kept += token;
    if (token === '{' && isFunction) depth++;
    if (token === '}' && depth === 0) isFunction = false;
  }
  return kept;
}
