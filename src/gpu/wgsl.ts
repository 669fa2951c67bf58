import { InputError } from '../util/error.js';

/** A part of a WGSL module, as scripts/wgsl.js makes it of a stretch of a file: WGSL alone, or with what the host has to know. */
export type WgslPart = string | WgslDeclarations;

/** WGSL and what it declares in `@group(0)`. */
export interface WgslDeclarations {
  /** The WGSL. */
  code: WgslCode;
  /** The `@binding` of each buffer that it reads, by name. */
  reads?: Readonly<Record<string, number>>;
  /** The `@binding` of each buffer that it writes, or reads and writes. */
  writes?: Readonly<Record<string, number>>;
  /** The `@binding` of `var<uniform> params: Params`. */
  uniform?: number;
  /** The fields of `struct Params`: a type or, of an `array<vec4<…>, N>`, the type and the number of components, 4·N. */
  params?: Readonly<Record<string, WgslScalar | readonly [type: WgslScalar, components: number]>>;
  /** Invocations of a workgroup, or the `override` constant that says how many. */
  workgroup?: number | string;
  /** Defaults of `override` constants that a loop or a workgroup may be as large as. */
  overrides?: Readonly<Record<string, number>>;
  /** Those of them that are marked `// const`: types depend on them, so they are written out as `const`. */
  fixed?: readonly string[];
}

/** WGSL in which some loops are not text yet. */
export type WgslCode = string | readonly (string | WgslLoop)[];

/** A loop that is written out once for each value of its counter, or as it is. */
export interface WgslLoop {
  /** Name of the counter, a u32. */
  counter: string;
  /** Its first value. */
  from: number;
  /** The value before which it ends, or the `override` constant that is it. */
  to: number | string;
  /** What it repeats. */
  body: WgslCode;
}

/** Types of the fields of a uniform. */
export type WgslScalar = 'u32' | 'i32' | 'f32';

interface ParameterField {
  name: string;
  type: WgslScalar;
  /** Byte offset in the uniform. */
  offset: number;
  /** Number of components; 1 for a scalar, 4·N for `array<vec4<…>, N>`. */
  components: number;
}

/** How a kernel sees a buffer. Written out, since our declarations cannot have a type alias of WebGPU's (scripts/types.js). */
export type BindingType = 'uniform' | 'storage' | 'read-only-storage';

/** What the host needs to know of a kernel. */
export interface KernelInterface {
  bindings: { binding: number; name: string; type: BindingType }[];
  parameters: { fields: ParameterField[]; bytes: number } | null;
  /** Invocations of a workgroup; where an `override` says so, its default and its name. */
  workgroup: { size: number; override: string | null };
  /** Defaults of `override` constants. */
  overrides: Record<string, number>;
  /** Those that no pipeline is given, since the WGSL has their values. */
  fixed: ReadonlySet<string>;
}

/**
 * Puts together what the parts of a kernel declare. A part may come twice.
 * @throws InputError when they contradict each other, or none has a workgroup
 */
export function joinInterface(kernel: string, parts: readonly WgslPart[]): KernelInterface {
  const bindings: KernelInterface['bindings'] = [];
  const bind = (type: BindingType, declared: Readonly<Record<string, number>> = {}) => {
    for (const [name, binding] of Object.entries(declared)) {
      const known = bindings.find((other) => other.binding === binding || other.name === name);
      if (!known) bindings.push({ binding, name, type });
      else if (known.binding !== binding || known.name !== name || known.type !== type) {
        throw new InputError(
          `kernel ${kernel}: its parts declare ${known.name} as binding ${known.binding} and ${name} as binding ${binding}.`,
        );
      }
    }
  };
  const all = parts.filter((part) => typeof part !== 'string');
  for (const { reads, writes, uniform } of all) {
    if (uniform !== undefined) bind('uniform', { params: uniform });
    bind('read-only-storage', reads);
    bind('storage', writes);
  }
  const workgroup = all.find((part) => part.workgroup !== undefined)?.workgroup;
  const overrides: Record<string, number> = Object.assign({}, ...all.map((part) => part.overrides));
  const override = typeof workgroup === 'string' ? workgroup : null;
  const size = override === null ? workgroup : overrides[override];
  if (typeof size !== 'number') {
    throw new InputError(
      `kernel ${kernel}: no part of its source has a workgroup; give { code, reads, writes, uniform, params, workgroup } beside the WGSL.`,
    );
  }
  bindings.sort((a, b) => a.binding - b.binding);
  const fixed = new Set(all.flatMap((part) => part.fixed ?? []));
  return { bindings, parameters: joinParameters(kernel, all), workgroup: { size, override }, overrides, fixed };
}

function joinParameters(kernel: string, parts: readonly WgslDeclarations[]): KernelInterface['parameters'] {
  const [params, ...others] = parts.flatMap((part) => (part.params ? [part.params] : []));
  if (others.some((other) => JSON.stringify(other) !== JSON.stringify(params))) {
    throw new InputError(`kernel ${kernel}: two of its parts declare struct Params, with other fields.`);
  }
  return params ? layOut(params) : null;
}

/** Scalars one after the other, arrays of `vec4` from a multiple of 16 bytes on: scripts/wgslReflect.js checks that WGSL does so. */
function layOut(declared: NonNullable<WgslDeclarations['params']>): NonNullable<KernelInterface['parameters']> {
  let end = 0;
  const fields = Object.entries(declared).map(([name, field]) => {
    const [type, components] = typeof field === 'string' ? ([field, 1] as const) : field;
    const offset = components === 1 ? end : 16 * Math.ceil(end / 16);
    end = offset + 4 * components;
    return { name, type, offset, components };
  });
  return { fields, bytes: 16 * Math.ceil(end / 16) };
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
