/**
 * Puts SwiftShader for Linux x64 into the package, out of a Chromium package of which it is a twentieth. No npm package of its own
 * that only Linux x64 installs: an optional dependency that is not published would be taken from whoever publishes its name.
 */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';

const TAR_BLOCK = 512;
/** A tenth smaller would take ten times as long. */
const QUALITY = 9;

/**
 * Writes the driver, the loader and the manifest that src/gpu/swiftshader.json lists, compressed, and their licences.
 * @param {string} folder
 * @throws Error when the installed package does not hold them
 */
export function packSwiftShader(folder) {
  const { origin: name, version, files } = JSON.parse(readFileSync('src/gpu/swiftshader.json', 'utf8'));
  const main = createRequire(import.meta.url).resolve(name); // build/cjs/index.cjs: nothing else is exported
  const archive = join(dirname(main), '../../bin/swiftshader.tar.br');
  const found = readTar(brotliDecompressSync(readFileSync(archive)));
  mkdirSync(folder, { recursive: true });
  for (const [file, hash] of Object.entries(files)) {
    const content = found.get(file);
    if (!content || createHash('sha256').update(content).digest('hex') !== hash) {
      throw new Error(`${archive} does not hold the expected ${file}: it is not that of ${name} ${version}; npm ci`);
    }
    const params = { [constants.BROTLI_PARAM_QUALITY]: QUALITY, [constants.BROTLI_PARAM_LGWIN]: 24 };
    writeFileSync(join(folder, `${file}.br`), brotliCompressSync(content, { params }));
  }
  copyFileSync('scripts/swiftshader-notice.txt', join(folder, 'NOTICE.txt'));
}

/**
 * The files of a plain tar archive: a header block (name at 0, size in octal at 124), then the content, padded.
 * @param {Buffer} tar
 */
function readTar(tar) {
  /** @type {Map<string, Buffer>} */
  const files = new Map();
  for (let at = 0; at + TAR_BLOCK <= tar.length && tar[at] !== 0; ) {
    const name = tar.toString('latin1', at, at + 100).replace(/\0.*$/s, '');
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 136), 8);
    files.set(name, tar.subarray(at + TAR_BLOCK, at + TAR_BLOCK + size));
    at += TAR_BLOCK + Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
  }
  return files;
}
