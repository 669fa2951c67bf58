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
