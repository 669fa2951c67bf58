import { InputError } from '../util/error.js';

/** A resource of `@group(0)` as the WGSL declares it. */
interface BindingDeclaration {
  binding: number;
  name: string;
  type: GPUBufferBindingType;
}

interface ParameterField {
  name: string;
  type: 'u32' | 'i32' | 'f32';
  /** Byte offset in the uniform. */
  offset: number;
  /** Number of components; 1 for a scalar, 4·N for `array<vec4<…>, N>`. */
  components: number;
}

/** What the host needs to know of a kernel; read from the WGSL so that it is said once. */
export interface KernelInterface {
  bindings: BindingDeclaration[];
  parameters: { fields: ParameterField[]; bytes: number } | null;
  /** Invocations of a workgroup; where an `override` says so, its default and its name. */
  workgroup: { size: number; override: string | null };
}

const BINDING =
  /@group\(0\)\s*@binding\((\d+)\)\s*var<\s*(uniform|storage)\s*(?:,\s*(read_write|read))?\s*>\s*(\w+)\s*:\s*([^;]+);/g;

/**
 * Reads the bindings, the fields of the uniform and the workgroup size from a kernel's source.
 * The uniform, if there is one, is called `params`; its struct holds scalars and `array<vec4u|vec4i|vec4f, N>`.
 * @throws InputError when the source breaks these conventions
 */
export function readInterface(kernel: string, source: string): KernelInterface {
  const code = source.replace(/\/\/.*$/gm, '');
  const bindings: BindingDeclaration[] = [];
  let parameters: KernelInterface['parameters'] = null;
  for (const [, binding, space, access, name, type] of code.matchAll(BINDING)) {
    if (space === 'uniform') {
      if (name !== 'params') throw new InputError(`kernel ${kernel}: the uniform is called ${name}; call it params.`);
      parameters = readParameters(kernel, code, type.trim());
    }
    bindings.push({
      binding: Number(binding),
      name,
      type: space === 'uniform' ? 'uniform' : access === 'read_write' ? 'storage' : 'read-only-storage',
    });
  }
  return { bindings, parameters, workgroup: readWorkgroup(kernel, code) };
}

/** `@workgroup_size(64)`, `@workgroup_size(8, 8)` or `@workgroup_size(SIZE)` with `override SIZE: u32 = 64;`. */
function readWorkgroup(kernel: string, code: string): KernelInterface['workgroup'] {
  const size = /@workgroup_size\((?:(\d+)\s*(?:,\s*(\d+)\s*)?(?:,\s*(\d+)\s*)?|(\w+))\)/.exec(code);
  const name = size?.[4] ?? null;
  const fallback = name && new RegExp(`override ${name}: u32 = (\\d+)`).exec(code)?.[1];
  if (!size || (name && !fallback)) {
    throw new InputError(`kernel ${kernel}: no @workgroup_size of literals, nor of an override with a default.`);
  }
  const product = Number(size[1]) * Number(size[2] ?? 1) * Number(size[3] ?? 1);
  return { size: name ? Number(fallback) : product, override: name };
}

function readParameters(kernel: string, code: string, struct: string) {
  const body = new RegExp(`struct\\s+${struct}\\s*\\{([^}]*)\\}`).exec(code);
  if (!body) throw new InputError(`kernel ${kernel}: the struct ${struct} of params is not in the module.`);
  const fields: ParameterField[] = [];
  let offset = 0;
  for (const [, name, declared] of body[1].matchAll(/(\w+)\s*:\s*(array<[^>]+>|\w+)/g)) {
    const array = /^array<vec4([uif]),\s*(\d+)>?$/.exec(declared);
    const scalar = /^([uif])32$/.exec(declared);
    const kind = (array ?? scalar)?.[1];
    if (!kind)
      throw new InputError(`kernel ${kernel}: params.${name} is ${declared}; use u32, i32, f32 or array<vec4*, N>.`);
    if (array) offset = Math.ceil(offset / 16) * 16;
    const components = array ? 4 * Number(array[2]) : 1;
    fields.push({ name, type: `${kind}32` as ParameterField['type'], offset, components });
    offset += 4 * components;
  }
  return { fields, bytes: Math.ceil(offset / 16) * 16 };
}

/**
 * Lays the named values out as the kernel's uniform.
 * @throws InputError for a missing, unknown or too long value
 */
export function packParameters(
  kernel: string,
  layout: NonNullable<KernelInterface['parameters']>,
  values: Record<string, number | ArrayLike<number>>,
): ArrayBuffer {
  const bytes = new ArrayBuffer(layout.bytes);
  const view = new DataView(bytes);
  const setters = { u32: view.setUint32, i32: view.setInt32, f32: view.setFloat32 };
  for (const { name, type, offset, components } of layout.fields) {
    const value = values[name];
    if (value === undefined) throw new InputError(`kernel ${kernel}: params.${name} is not given.`);
    const list = typeof value === 'number' ? [value] : value;
    if (list.length > components) {
      throw new InputError(`kernel ${kernel}: params.${name} has ${list.length} values; at most ${components} fit.`);
    }
    for (let i = 0; i < list.length; i++) setters[type].call(view, offset + 4 * i, list[i], true);
  }
  for (const name of Object.keys(values)) {
    if (!layout.fields.some((field) => field.name === name)) {
      throw new InputError(`kernel ${kernel}: params.${name} is not a field of its uniform.`);
    }
  }
  return bytes;
}
