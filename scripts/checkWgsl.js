/**
 * `npm run check:wgsl`: every kernel under shaders/ is a valid module by naga, the compiler of Firefox and Deno, with loops written
 * out and without, naga translates it for Vulkan, Metal and Direct3D, and it binds at most eight storage buffers, WebGPU's default limit.
 *
 * A kernel that is composed at run time calls what its file does not define: it is validated with each file that defines it. A file
 * that is part of no kernel is an error. Of kernels by subgroup matrices naga sees all but the matrices (wgslMatrices.js).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { NagaError, parseWgsl, validate, writeHlsl, writeMsl, writeSpirv } from 'naga-wasm';
import { wgslParts } from './wgsl.js';
import { withoutMatrices } from './wgslMatrices.js';

const MAX_STORAGE_BUFFERS = 8;

/** @typedef {import('../src/gpu/wgsl.js').WgslPart[]} Parts */
/** @typedef {{ name: string, parts: Parts, files: Set<string> }} Module */

/** The runtime's own functions, which are TypeScript. */
async function runtime() {
  const contents = "export * from './src/gpu/assemble.ts'; export * from './src/gpu/wgsl.ts';";
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: '.' },
    bundle: true,
    write: false,
    format: 'esm',
  });
  const url = `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`;
  return /** @type {typeof import('../src/gpu/assemble.js') & typeof import('../src/gpu/wgsl.js')} */ (
    await import(url)
  );
}

/**
 * @param {string} folder
 * @returns {Promise<{ modules: number, faults: string[] }>}
 */
export async function checkWgsl(folder) {
  const { assemble, joinInterface, located } = await runtime();
  const all = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.wgsl'));
  const modules = all.sort().map((file) => {
    const files = /** @type {Set<string>} */ (new Set());
    const name = relative('.', resolve(folder, file));
    return { name, parts: /** @type {Parts} */ (wgslParts(resolve(folder, file), { files })), files };
  });
  const isKernel = ({ parts }) => parts.some((part) => typeof part !== 'string' && part.workgroup !== undefined);
  const included = new Set(modules.flatMap(({ files }) => [...files].slice(1)));
  const forms = modules.filter((module) => !isKernel(module) && !included.has([...module.files][0]));

  const valid = new Set();
  /** @type {string[]} */
  const faults = [];
  let count = 0;
  /** @param {Module} module */
  const check = (module) => {
    const { name, parts, files } = module;
    const { bindings, overrides } = joinInterface(name, parts);
    for (const unrolled of [true, false]) {
      const code = assemble(name, parts, unrolled, {}, overrides);
      const error = faultOf(code);
      if (error) {
        const [, missing] = /`(\w+)`/.exec(error.message) ?? [];
        const able = missing ? forms.filter((form) => defines(form, missing)) : [];
        if (able.length === 0 || defines(module, missing)) faults.push(`${name}: ${located(code, error)}`);
        else for (const form of able) check(joined(form, module));
        return;
      }
    }
    const buffers = bindings.filter(({ type }) => type !== 'uniform').length;
    if (buffers > MAX_STORAGE_BUFFERS)
      faults.push(`${name}: ${buffers} storage buffers; a device has ${MAX_STORAGE_BUFFERS}`);
    for (const file of files) valid.add(file);
    count++;
  };
  for (const module of modules) if (isKernel(module) && !included.has([...module.files][0])) check(module);
  if (faults.length === 0) {
    for (const { name, files } of modules)
      if (!valid.has([...files][0])) faults.push(`${name}: it is part of no kernel`);
  }
  return { modules: count, faults };
}

/** @param {Module} form @param {Module} kernel @returns {Module} */
function joined(form, kernel) {
  return {
    name: `${kernel.name} with ${form.name}`,
    parts: [...form.parts, ...kernel.parts],
    files: new Set([...form.files, ...kernel.files]),
  };
}

/** Whether a module declares a function or type. @param {Module} module @param {string} name */
function defines({ files }, name) {
  const declaration = new RegExp(`^(?:fn|struct|alias|const|override)\\s+${name}\\b`, 'm');
  return [...files].some((file) => declaration.test(readFileSync(file, 'utf8')));
}

/** What naga says of a module, null where it is valid and has a translation for each driver. @param {string} code */
function faultOf(code) {
  // naga knows subgroups, but not by the word that WGSL has for asking.
  const asked = withoutMatrices(code.replace(/\benable subgroups;/, ''));
  try {
    withModule(asked, () => {});
    // A browser gives overrides their values first.
    const fixed = asked.replace(/\boverride (\w+: \w+ = )/g, 'const $1');
    withModule(fixed, (module, info) => {
      for (const write of [writeSpirv, writeMsl, writeHlsl]) write(module, info);
    });
    return null;
  } catch (error) {
    // A fault of its own, which would end Firefox with its tabs: by a pointer to a part of a variable, for instance.
    if (error instanceof WebAssembly.RuntimeError) return { lineNum: 0, linePos: 0, message: 'naga panics' };
    if (!(error instanceof NagaError)) throw error;
    const [, line = '1', column = '1'] = /wgsl:(\d+):(\d+)/.exec(error.formatted) ?? [];
    const note = /^\s*= (.*)$/m.exec(error.formatted)?.[1] ?? /\^ (.*)$/m.exec(error.formatted)?.[1];
    const message = note ? `${error.message} (${note})` : error.message;
    return { lineNum: Number(line), linePos: Number(column), message };
  }
}

/** @param {string} code @param {(module: import('naga-wasm').Module, info: import('naga-wasm').ModuleInfo) => void} use */
function withModule(code, use) {
  const module = parseWgsl(code);
  const info = validate(module);
  use(module, info);
  info.free();
  module.free();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { modules, faults } = await checkWgsl('shaders');
  for (const fault of faults) console.error(fault);
  console.error(`${modules} modules are valid${faults.length > 0 ? `, ${faults.length} are not` : ''}`);
  process.exitCode = faults.length > 0 ? 1 : 0;
}
