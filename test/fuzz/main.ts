/** `npm run fuzz -- --count 20000 --seed 0`: mutated annotations and detections; the faults are printed with their seeds. */
import { parseArgs } from 'node:util';
import { fuzzAnnotations } from './annotations.js';

const { values } = parseArgs({
  options: { count: { type: 'string', default: '20000' }, seed: { type: 'string', default: '0' } },
});
const { read, refused, faults } = await fuzzAnnotations(Number(values.seed), Number(values.count));
for (const { seed, annotations, detections, what } of faults) {
  console.error(`seed ${seed}: ${what}\n  ${annotations.slice(0, 1000)}\n  ${detections.slice(0, 1000)}`);
}
console.log(`${read} read, ${refused} refused, ${faults.length} faults`);
process.exitCode = faults.length > 0 ? 1 : 0;
