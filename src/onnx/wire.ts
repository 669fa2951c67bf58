/** Bytes of a message. */
export type Bytes = Uint8Array;

/** A field of a message. */
export interface Field {
  number: number;
  /** With its key. */
  whole: Bytes;
  /** Of a message, text or bytes; null for numbers. */
  content: Bytes | null;
  /** Of an integer, where it fits into 53 bits; else 0. */
  value: number;
}

/** Protobuf's wire types. */
const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/**
 * The fields of a protobuf message, as they stand: for changes that leave all else as it is, fields of newer versions of the
 * format included, which a decoder drops.
 * @throws RangeError where the bytes are no message
 */
export function* fieldsOf(bytes: Bytes): Generator<Field, void, void> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      if (at >= bytes.length || shift > 2 ** 63) throw new RangeError('no protobuf message');
      const byte = bytes[at++];
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const start = at;
    const key = varint();
    const type = key % 8;
    let content: Bytes | null = null;
    let value = 0;
    if (type === VARINT) value = varint();
    else if (type === FIXED64) at += 8;
    else if (type === FIXED32) at += 4;
    else if (type === LENGTH_DELIMITED) {
      const length = varint();
      content = bytes.subarray(at, at + length);
      at += length;
    } else throw new RangeError('no protobuf message');
    if (at > bytes.length) throw new RangeError('no protobuf message');
    yield { number: Math.floor(key / 8), whole: bytes.subarray(start, at), content, value };
  }
}

/** A field with content, in parts to be joined. */
export function fieldParts(number: number, content: Bytes): Bytes[] {
  return [Uint8Array.from([...varintOf(8 * number + LENGTH_DELIMITED), ...varintOf(content.length)]), content];
}

/** A field with a whole number, negative ones as int64. */
export function integerParts(number: number, value: number): Bytes[] {
  const bytes = varintOf(8 * number + VARINT);
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) + 0x80);
  return [Uint8Array.from([...bytes, Number(rest)])];
}

/** One behind the other. */
export function joinBytes(parts: readonly Bytes[]): Bytes {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function varintOf(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 0x80);
  return [...bytes, rest];
}
