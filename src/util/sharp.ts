import { InputError } from './error.js';
import { missingPackage } from './missingPackage.js';

/**
 * Loads sharp. It is an optional dependency: only what reads, resizes or draws images needs it.
 * @throws InputError with the command that installs it
 */
export async function loadSharp(): Promise<typeof import('sharp').default> {
  try {
    return (await import('sharp')).default;
  } catch (error) {
    throw new InputError(missingPackage('sharp', 'which reads and draws images', error), { cause: error });
  }
}
