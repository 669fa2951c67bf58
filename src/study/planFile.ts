import { readdir } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { InputError } from '../util/error.js';
import { packageFolder } from '../util/packageFolder.js';

const ENDING = '.json';

/** Where the plans that come with the package lie. */
function shippedFolder(): string {
  return join(packageFolder(), 'plans');
}

/** Names of the plans that come with the package. */
export async function shippedPlans(): Promise<string[]> {
  const files = await readdir(shippedFolder());
  return files
    .filter((file) => file.endsWith(ENDING))
    .map((file) => file.slice(0, -ENDING.length))
    .sort();
}

/**
 * The file of a plan, given by its path or, as a single word, by the name of one of the package's plans.
 * @param folder what a path is relative to
 * @throws InputError when there is no such name
 */
export async function planFile(plan: string, folder: string): Promise<string> {
  if (plan.endsWith(ENDING) || /[\\/]/.test(plan)) return isAbsolute(plan) ? plan : join(folder, plan);
  const names = await shippedPlans();
  if (names.includes(plan)) return join(shippedFolder(), `${plan}${ENDING}`);
  throw new InputError(`plan: there is none called ${plan}; there are ${names.join(', ')}, or give a file: ./${plan}`);
}
