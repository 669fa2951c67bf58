import { createRequire } from 'node:module';
import { dirname } from 'node:path';

/**
 * The folder of this package: what it ships besides code lies there, at the same place for a program that has installed it and for
 * a test in the checkout.
 * @throws Error when the code has become part of another program's bundle and the package is not installed beside it
 */
export function packageFolder(): string {
  return dirname(createRequire(import.meta.url).resolve('edgewise/package.json'));
}
