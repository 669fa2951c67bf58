import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { InputError } from './error.js';

/**
 * The folder of this package: what it ships besides code lies there, at the same place for a program that has installed it and for
 * a test in the checkout.
 * @throws InputError when the code has become part of another program's bundle and the package is not installed beside it
 */
export function packageFolder(): string {
  try {
    return dirname(createRequire(import.meta.url).resolve('edgewise/package.json'));
  } catch (cause) {
    const what = 'what comes with the package edgewise is not beside this program';
    throw new InputError(`${what}: npm install edgewise, and leave it out of the bundle.`, { cause });
  }
}
