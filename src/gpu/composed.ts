import type { KernelDefinition } from './launch.js';

/**
 * Kernels that share a body and differ in one form, composed when they are first asked for.
 * @param body calls functions that each form defines
 */
export function composed<Form extends string>(
  name: string,
  body: KernelDefinition['source'],
  forms: Readonly<Record<Form, KernelDefinition['source']>>,
): (form: Form) => KernelDefinition {
  const made = new Map<Form, KernelDefinition>();
  return (form) => {
    let kernel = made.get(form);
    if (!kernel) {
      kernel = { name: `${name}, ${form}`, source: [...forms[form], ...body] };
      made.set(form, kernel);
    }
    return kernel;
  };
}

/** `composed` of two forms. */
export function composedOfTwo<Form extends string, Other extends string>(
  name: string,
  body: KernelDefinition['source'],
  forms: Readonly<Record<Form, KernelDefinition['source']>>,
  others: Readonly<Record<Other, KernelDefinition['source']>>,
): (form: Form, other: Other) => KernelDefinition {
  const made = new Map<Other, (form: Form) => KernelDefinition>();
  return (form, other) => {
    let kernelOf = made.get(other);
    if (!kernelOf) {
      kernelOf = composed(`${name}, ${other}`, [...others[other], ...body], forms);
      made.set(other, kernelOf);
    }
    return kernelOf(form);
  };
}
