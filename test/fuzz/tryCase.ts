import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Random } from '../../src/tensor/random.js';
import type { FuzzKind } from './kind.js';

/** A message that nobody reads to its end. */
const MAX_MESSAGE = 2000;
/** What a person must never see in place of a figure. */
const UNDEFINED = /\bNaN\b|\bundefined\b|\bInfinity\b|\[object /;

export interface Outcome {
  /** `stack`: an error that nobody foresaw; `undefined figure`; `message`: an error that is not one clear line. */
  kind: 'accepted' | 'refused' | 'stack' | 'undefined figure' | 'message' | 'file left behind';
  detail: string;
}

/**
 * Writes an input of a kind and reads it. The same seed and number give the same input.
 * @param root an empty folder; what is made in it is removed
 */
export async function tryCase(kind: FuzzKind, seed: number, number: number, root: string): Promise<Outcome> {
  const folder = join(root, String(number));
  await mkdir(folder);
  try {
    await kind.write(folder, Random.of(seed, number));
    const given = await filesOf(folder);
    const outcome = await kind.read(folder).then(judge, judgeError);
    const left = (await filesOf(folder)).filter((name) => !given.includes(name));
    return left.length === 0 ? outcome : { kind: 'file left behind', detail: left.join(', ') };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const filesOf = (folder: string) => readdir(folder, { recursive: true });

function judge(shown: string): Outcome {
  const found = UNDEFINED.exec(shown);
  if (!found) return { kind: 'accepted', detail: '' };
  return { kind: 'undefined figure', detail: shown.slice(Math.max(0, found.index - 80), found.index + 80) };
}

function judgeError(error: unknown): Outcome {
  const { name, message, stack } = error as Error;
  if (name !== 'InputError' && name !== 'DeviceError') return { kind: 'stack', detail: stack ?? String(error) };
  const isLine = message.length <= MAX_MESSAGE && !/\p{Cc}/u.test(message) && !/\n {4}at /.test(message);
  return { kind: isLine ? 'refused' : 'message', detail: message };
}
