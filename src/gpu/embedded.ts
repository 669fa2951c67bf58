/** SwiftShader, a Vulkan driver that computes on the CPU, out of a Chromium package: for machines with no Vulkan. */
import { createHash, randomUUID } from 'node:crypto';
import { lstat, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';
import envPaths from 'env-paths';
import { DeviceError } from '../util/error.js';
import { makeFolder } from '../util/folder.js';

/** The optional dependency: the newest version for Node 20. The hashes below are of its files. */
const PACKAGE = '@sparticuz/chromium';
export const ARCHIVE = `${PACKAGE}@147.0.0`;

/** The files that are unpacked, with their SHA-256. The manifest names the driver relative to itself. */
const FILES = {
  'libvk_swiftshader.so': '5b9e8591c7c2d1c9618c3ad485d0cdffb81f5f1ffd6a982fdb6578c2d8d3213e',
  'libvulkan.so.1': 'fe17a77c1f2df38d3b6a935140f746fd80aac564bb44eb3e4f6b75a504295a41',
  'vk_swiftshader_icd.json': 'c9eef28b6b984fec220ef0abfecc40b502d46946706e47bfe97707027cb818bd',
} as const;

/** Unpacked it is 15 MB; a limit, so that a wrong file cannot fill the memory. */
const ARCHIVE_LIMIT = 64 * 1024 * 1024;
const TAR_BLOCK = 512;

/** Files in the user's cache directory whose content has just been checked. */
interface SwiftShader {
  /** The driver's manifest, for `VK_DRIVER_FILES`. */
  manifest: string;
  /** A Vulkan loader, for systems without one. */
  loader: string;
  /** For people: the package and the folder. */
  source: string;
}

/**
 * Unpacks SwiftShader into a private folder of the user's cache directory, and checks the content at every call:
 * a missing or changed file is replaced. Several processes may do so at once: each writes beside the file and renames.
 *
 * @throws DeviceError when this is not Linux on x64, the optional dependency is missing or another version, the cache
 *   directory cannot be written, or the folder belongs to, or can be written by, somebody else
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
    await makeFolder(folder, 0o700);
  } catch (cause) {
    throw new DeviceError(
      `the cache folder cannot be made (${(cause as Error).message}); set XDG_CACHE_HOME to a folder you can write to`,
      { cause },
    );
  }
  await checkPrivate(dirname(folder));
  await checkPrivate(folder);

  let archive: Map<string, Buffer> | undefined;
  for (const [name, hash] of Object.entries(FILES)) {
    if (await isIntact(join(folder, name), hash)) continue;
    archive ??= await readArchive();
    await replace(join(folder, name), archive.get(name), hash);
  }
  return {
    manifest: join(folder, 'vk_swiftshader_icd.json'),
    loader: join(folder, 'libvulkan.so.1'),
    source: `SwiftShader from ${ARCHIVE}, unpacked in ${folder}`,
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

async function replace(file: string, content: Buffer | undefined, hash: string): Promise<void> {
  if (!content || sha256(content) !== hash) {
    throw new DeviceError(
      `the installed ${PACKAGE} does not hold the expected ${file.slice(dirname(file).length + 1)}: ` +
        `it is another version or was changed; npm install ${ARCHIVE}`,
    );
  }
  const fresh = `${file}.${randomUUID()}`;
  try {
    await writeFile(fresh, content, { mode: 0o600, flag: 'wx' });
    await rename(fresh, file);
  } catch (cause) {
    await rm(fresh, { force: true });
    throw new DeviceError(`${file} cannot be written: ${(cause as Error).message}`, { cause });
  }
}

async function readArchive(): Promise<Map<string, Buffer>> {
  const require = createRequire(import.meta.url);
  let main: string;
  try {
    main = require.resolve(PACKAGE); // <package>/build/cjs/index.cjs: nothing else is exported
  } catch (cause) {
    throw new DeviceError(
      `the optional dependency ${ARCHIVE} is not installed (was npm run with --omit=optional?); npm install ${ARCHIVE}`,
      { cause },
    );
  }
  const file = join(dirname(main), '../../bin/swiftshader.tar.br');
  try {
    const tar = await promisify(brotliDecompress)(await readFile(file), { maxOutputLength: ARCHIVE_LIMIT });
    return readTar(tar);
  } catch (cause) {
    throw new DeviceError(`${file} cannot be unpacked: ${(cause as Error).message}; npm install ${ARCHIVE}`, { cause });
  }
}

/** The files of a plain tar archive: a header block (name at 0, size in octal at 124), then the content, padded. */
function readTar(tar: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (let at = 0; at + TAR_BLOCK <= tar.length && tar[at] !== 0; ) {
    const name = tar.toString('latin1', at, at + 100).replace(/\0.*$/s, '');
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 136), 8);
    if (!Number.isInteger(size)) throw new Error(`not a tar archive (size of '${name}')`);
    files.set(name, tar.subarray(at + TAR_BLOCK, at + TAR_BLOCK + size));
    at += TAR_BLOCK + Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
  }
  return files;
}

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
