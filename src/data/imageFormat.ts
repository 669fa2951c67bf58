/** What the first bytes of a file say that it is. */
export interface ImageFormat {
  name: string;
  /** Whether it is decoded. */
  isRead: boolean;
}

/** Formats that are decoded, as messages list them. */
export const READ_FORMATS = 'JPEG, PNG, WebP, AVIF, TIFF and GIF';
/** Bytes that tell a format. */
const HEAD = 1024;

/** Bytes of a file's beginning, from an offset on. */
const SIGNATURES: readonly [name: string, offset: number, signature: string][] = [
  ['JPEG', 0, '\xff\xd8\xff'],
  ['PNG', 0, '\x89PNG\r\n\x1a\n'],
  ['GIF', 0, 'GIF8'],
  ['WebP', 8, 'WEBP'],
  ['TIFF', 0, 'II*\0'],
  ['TIFF', 0, 'MM\0*'],
  ['TIFF', 0, 'II+\0'],
  ['TIFF', 0, 'MM\0+'],
  ['BMP', 0, 'BM'],
  ['JPEG 2000', 0, '\0\0\0\fjP  '],
  ['JPEG 2000', 0, '\xff\x4f\xff\x51'],
  ['JPEG XL', 0, '\xff\x0a'],
  ['JPEG XL', 0, '\0\0\0\fJXL '],
  ['OpenEXR image', 0, 'v/1\x01'],
  ['Photoshop document', 0, '8BPS'],
  ['DDS texture', 0, 'DDS '],
  ['Radiance image', 0, '#?'],
  ['icon', 0, '\0\0\x01\0'],
  ['FITS image', 0, 'SIMPLE'],
  ['PDF', 0, '%PDF'],
  ['DICOM image', 128, 'DICM'],
  ['ZIP archive', 0, 'PK\x03\x04'],
  ['gzip archive', 0, '\x1f\x8b'],
  ['JPEG XR', 0, 'II\xbc'],
  ['QOI', 0, 'qoif'],
  ['HDF5 file', 0, '\x89HDF'],
  ['video', 0, '\x1a\x45\xdf\xa3'],
  ['video', 8, 'AVI '],
  ['NumPy array', 0, '\x93NUMPY'],
  ['Git LFS pointer (git lfs pull fetches the image)', 0, 'version https://git-lfs'],
];
const READ = new Set(['JPEG', 'PNG', 'WebP', 'AVIF', 'TIFF', 'GIF']);

/**
 * Tells a format by its first bytes, so that no decoder sees what is not on the list: a drawing such as SVG is a program.
 * @returns null where they say nothing
 */
export function imageFormat(bytes: Uint8Array): ImageFormat | null {
  const head = String.fromCharCode(...bytes.subarray(0, HEAD));
  const name =
    SIGNATURES.find(([, offset, signature]) => head.startsWith(signature, offset))?.[0] ??
    boxed(head) ??
    textual(head) ??
    targa(bytes);
  return name === null ? null : { name, isRead: READ.has(name) };
}

/** AVIF and HEIC: an `ftyp` box with the brands that the file conforms to. */
function boxed(head: string): string | null {
  if (!head.startsWith('ftyp', 4)) return null;
  const size = head.charCodeAt(2) * 256 + head.charCodeAt(3);
  const brands = head.slice(8, size);
  if (/avi[fs]/.test(brands)) return 'AVIF';
  return /hei[cmsx]|hev[cmsx]|mif1|msf1/.test(brands) ? 'HEIC' : 'video';
}

function textual(head: string): string | null {
  const text = head.replace(/^\xef\xbb\xbf/, '').trimStart();
  if (/^P[1-7]\s/.test(text)) return 'PNM';
  if (!text.startsWith('<')) return null;
  return /<svg[\s>]/i.test(text) ? 'SVG' : /<html|<!doctype html/i.test(text) ? 'web page' : 'XML document';
}

/** TGA has no signature; its 18 bytes of header allow few values. */
function targa(bytes: Uint8Array): string | null {
  if (bytes.length <= 18) return null;
  const [, palette, type] = bytes;
  const isType = palette === 1 ? [1, 9].includes(type) : palette === 0 && [2, 3, 10, 11].includes(type);
  const hasSize = (bytes[12] || bytes[13]) && (bytes[14] || bytes[15]);
  return isType && hasSize && [8, 15, 16, 24, 32].includes(bytes[16]) ? 'TGA' : null;
}
