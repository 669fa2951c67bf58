// IEEE 754 binary16 by hand: Float16Array is in neither Node 20 nor every browser.

/** Values of half floats given as their bits. Exact. */
export function floatsOfHalves(halves: Uint16Array): Float32Array<ArrayBuffer> {
  return Float32Array.from(halves, (bits) => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 0x1f) return fraction ? Number.NaN : sign * Infinity;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
}

/** Bits of the nearest half floats, ties to even; what is too large becomes infinite. */
export function halvesOfFloats(values: Float32Array): Uint16Array<ArrayBuffer> {
  return Uint16Array.from(values, (value) => {
    if (Number.isNaN(value)) return 0x7e00;
    const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
    const magnitude = Math.abs(value);
    if (magnitude === Infinity) return sign | 0x7c00;
    // The spacing of halves at this magnitude; 2⁻²⁴ below the smallest normal one, 2⁻¹⁴.
    const exponent = Math.max(-14, Math.floor(Math.log2(magnitude || 2 ** -14)));
    const units = roundToEven(magnitude / 2 ** (exponent - 10));
    // Units beyond 2047 carry into the exponent by themselves.
    return sign | Math.min(0x7c00, units + ((exponent + 14) << 10));
  });
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
