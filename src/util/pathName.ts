/** Bytes, so that a few names together are still one that every file system takes: 255 is the limit of most. */
const MAX_BYTES = 80;
/** What Windows keeps for devices, whatever follows after a dot. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/i;

/**
 * Any name, of a recipe or a data set, as the name of a file or folder: letters and digits of any script, and ._+-. It never
 * is a path, hidden, or a name that a system keeps for itself.
 */
export function pathName(name: string): string {
  const plain = name
    .normalize('NFC')
    .replace(/[^\p{L}\p{M}\p{N}._+-]+/gu, '-')
    .replace(/^[.-]+/, '');
  const characters = Array.from(plain).slice(0, MAX_BYTES);
  while (Buffer.byteLength(characters.join('')) > MAX_BYTES) characters.pop();
  const short = characters.join('');
  return short.replace(DEVICE, '$1_').replace(/[.-]+$/, '') || 'unnamed';
}
