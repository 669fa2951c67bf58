/** Type of the elements: 32 bits, or f16, what a `Detector` of that precision keeps its maps in; only its operations take that. */
export type DataType = 'f32' | 'i32' | 'u32' | 'f16';

/** Of an element. */
export const BYTES: Readonly<Record<DataType, number>> = { f32: 4, i32: 4, u32: 4, f16: 2 };

/** Bytes of elements, in whole words. */
export function bytesOf(elements: number, type: DataType): number {
  return 4 * Math.ceil((BYTES[type] * elements) / 4);
}
