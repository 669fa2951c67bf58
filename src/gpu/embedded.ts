/** SwiftShader, a Vulkan driver that computes on the CPU and comes with the package: for machines with no Vulkan. */
import { createHash } from 'node:crypto';
import { lstat, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';
import envPaths from 'env-paths';
import { removeLeftovers, writeError, writeWhole } from '../util/atomicFile.js';
import { DeviceError } from '../util/error.js';
import { makeFolder } from '../util/folder.js';
import { packageFolder } from '../util/packageFolder.js';
// What scripts/swiftshader.js has put into the package; the manifest names the driver relative to itself.
import { files as FILES, origin as ORIGIN, version as VERSION } from './swiftshader.json';

/** Unpacked the driver has 6 MB; a limit, so that a wrong file cannot fill the memory. */
const SIZE_LIMIT = 16 * 1024 * 1024;

/** Nobody else may write what this process loads. */
const MODE = { file: 0o600, folder: 0o700 };
/** How a person gives another cache directory. */
const CHOOSE = 'set XDG_CACHE_HOME to';

/** Files in the user's cache directory whose content has just been checked. */
interface SwiftShader {
  /** The driver's manifest, for `VK_DRIVER_FILES`. */
  manifest: string;
  /** A Vulkan loader, for systems without one. */
  loader: string;
  /** For people: where it comes from and the folder. */
  source: string;
}

/**
 * Unpacks SwiftShader into a private folder of the user's cache directory, and checks the content at every call:
 * a missing or changed file is replaced. Several processes may do so at once: each writes beside the file and renames.
 *
 * @throws DeviceError when this is not Linux on x64, the package's own files are missing or were changed, the cache directory
 *   cannot be written, or the folder belongs to, or can be written by, somebody else
 */
export async function unpackSwiftShader(): Promise<SwiftShader> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new DeviceError(`embedded SwiftShader is for Linux x64 only; this is ${process.platform} ${process.arch}`);
  }
  const folder = join(
    envPaths('edgewise', { suffix: '' }).cache,
    `swiftshader-${FILES['libvk_swiftshader.so'].slice(0, 12)}`,
  );
  try {
    await makeFolder(folder, MODE.folder);
  } catch (cause) {
    throw writeError(folder, cause, CHOOSE);
  }
  await checkPrivate(dirname(folder));
  await checkPrivate(folder);
  await removeLeftovers(folder);

  for (const [name, hash] of Object.entries(FILES)) {
    if (await isIntact(join(folder, name), hash)) continue;
    await writeWhole(join(folder, name), await readShipped(name, hash), { mode: MODE, choose: CHOOSE });
  }
  return {
    manifest: join(folder, 'vk_swiftshader_icd.json'),
    loader: join(folder, 'libvulkan.so.1'),
    source: `SwiftShader from ${ORIGIN} ${VERSION}, unpacked in ${folder}`,
  };
}

/** Nobody else may put a library into a folder that this process loads libraries from. */
async function checkPrivate(folder: string): Promise<void> {
  const status = await lstat(folder);
  const user = process.getuid?.();
  const fault = !status.isDirectory()
    ? 'is not a plain folder'
    : status.uid !== user
      ? `belongs to user ${status.uid}, not to you (${user})`
      : status.mode & 0o022
        ? `can be written by others (mode ${(status.mode & 0o777).toString(8)})`
        : undefined;
  if (!fault) return;
  throw new DeviceError(
    `the cache folder ${folder} ${fault}, so a library in it cannot be trusted; chmod 700 or remove it, or set ` +
      'XDG_CACHE_HOME to a folder of your own',
  );
}

/** Whether the file is the user's own, is a plain file nobody else can write, and has the content expected. */
async function isIntact(file: string, hash: string): Promise<boolean> {
  try {
    const status = await lstat(file);
    const own = status.isFile() && status.uid === process.getuid?.() && !(status.mode & 0o022);
    return own && sha256(await readFile(file)) === hash;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw new DeviceError(`${file} cannot be read: ${(thrown as Error).message}`, { cause: thrown });
  }
}

/** A file of the package. */
async function readShipped(name: string, hash: string): Promise<Buffer> {
  const remedy = 'install edgewise anew, or, in its checkout, npm run build';
  let file: string;
  let content: Buffer;
  try {
    file = join(packageFolder(), 'dist/swiftshader', `${name}.br`);
    content = await promisify(brotliDecompress)(await readFile(file), { maxOutputLength: SIZE_LIMIT });
  } catch (cause) {
    const [reason] = (cause as Error).message.split('\n');
    throw new DeviceError(`the package's own ${name} cannot be unpacked (${reason}); ${remedy}`, { cause });
  }
  if (sha256(content) !== hash) {
    throw new DeviceError(`${file} does not hold the expected ${name}: it was changed; ${remedy}`);
  }
  return content;
}

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
