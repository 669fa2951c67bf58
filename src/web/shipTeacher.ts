/** Writes a run's moving average as half floats for the page: `node scripts/webTeacher.js RUN FILE`. */
import { writeSafetensors } from '../data/safetensors.js';
import { loadCheckpoint } from '../train/checkpoint.js';
import { print } from '../util/terminal.js';

const AVERAGE = 'ema.';

const [run, file] = process.argv.slice(2);
const { tensors, metadata } = await loadCheckpoint(run);
const halves = [...tensors].flatMap(([name, { shape, data }]) => {
  if (!name.startsWith(AVERAGE)) return [];
  const bits = Uint16Array.from(data as Float32Array, numberToHalf);
  return [[name.slice(AVERAGE.length), { dtype: 'F16', shape, data: bits }] as const];
});
await writeSafetensors(file, halves, { detector: JSON.stringify(metadata.detector) });
print(`${file}: ${halves.length} tensors of ${run}`);

/** IEEE 754 binary16, rounded to the nearest, ties to even; what is too small becomes subnormal, what is too large infinite. */
function numberToHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  // The spacing of halves at this magnitude; 2⁻²⁴ below the smallest normal one, 2⁻¹⁴.
  const exponent = Math.max(-14, Math.floor(Math.log2(magnitude || 2 ** -14)));
  const units = roundToEven(magnitude / 2 ** (exponent - 10));
  // Units beyond 2047 carry into the exponent by themselves.
  return sign | Math.min(0x7c00, units + ((exponent + 14) << 10));
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
