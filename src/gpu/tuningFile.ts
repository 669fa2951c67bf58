/** Where Node keeps what was measured, a file for each adapter. Kept apart so that a browser never loads it. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import envPaths from 'env-paths';
import { version } from '../../package.json';
import { writeWhole } from '../util/atomicFile.js';
import { tell } from '../util/terminal.js';
import { type Choices, possibleChoices } from './choices.js';

interface TuningFile {
  edgewise: string;
  adapter: string;
  choices: Record<string, unknown>;
}

/** The adapter's name, driver and version of the driver, as far as it tells. */
function identityOf({ vendor, architecture, device, description }: GPUAdapterInfo): string {
  return [vendor, architecture, device, description].filter(Boolean).join(', ');
}

/** The file of an adapter: another driver, or another edgewise, has another. */
function tuningFile({ adapterInfo }: GPUDevice): string {
  const identity = identityOf(adapterInfo);
  const slug = `${adapterInfo.description || adapterInfo.device || adapterInfo.vendor}`
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60);
  const hash = createHash('sha256').update(`${identity}\n${version}`).digest('hex').slice(0, 12);
  return join(envPaths('edgewise', { suffix: '' }).cache, 'tuning', `${slug}-${hash}.json`);
}

/**
 * The choices that were kept for this adapter, those that it can run; null where nothing was. Whatever is wrong with the file
 * is told once, as one warning that names it, and left out.
 */
export async function readTuning(gpu: GPUDevice): Promise<{ file: string; choices: Partial<Choices> } | null> {
  const file = tuningFile(gpu);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') warn(file, (error as Error).message);
    return null;
  }
  let kept: Partial<TuningFile> | null;
  try {
    kept = JSON.parse(text) as Partial<TuningFile> | null;
  } catch (error) {
    warn(file, (error as Error).message);
    return null;
  }
  const given = kept?.choices;
  if (typeof given !== 'object' || given === null) {
    warn(file, 'it holds no choices');
    return null;
  }
  const { choices, faults } = possibleChoices(gpu, given);
  if (faults.length > 0) warn(file, faults.join('; '));
  return { file, choices };
}

/**
 * Keeps the choices of this adapter.
 * @returns the file
 * @throws DiskError when it cannot be written
 */
export async function writeTuning(gpu: GPUDevice, choices: Choices): Promise<string> {
  const file = tuningFile(gpu);
  const content: TuningFile = { edgewise: version, adapter: identityOf(gpu.adapterInfo), choices };
  const mode = { file: 0o600, folder: 0o700 };
  await writeWhole(file, `${JSON.stringify(content, null, 2)}\n`, { mode, choose: 'set XDG_CACHE_HOME to' });
  return file;
}

function warn(file: string, fault: string): void {
  tell(`edgewise: the tuning file ${file} is not used as it is (${fault}); edgewise tune writes it anew.`);
}
