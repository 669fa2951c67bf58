/** Development probe: replays each launch of one evaluate and prints CPU ms per kernel. */
import { openDevice } from '../src/tensor/device.js';
import type { Launch } from '../src/gpu/runtime.js';
import { makeScene } from './headScene.js';
const device = await openDevice({ adapter: (process.argv[2] ?? 'auto') as 'auto' });
const only = process.argv[3]?.split(',');
const repeats = Number(process.argv[4] ?? 5);
const scene = makeScene(device, Number(process.argv[5] ?? 640));
const launches: Launch[] = [];
const run = device.run.bind(device);
device.run = (launch) => { launches.push(launch); run(launch); };
const counts0 = device.pool.heldBytes;
const result = scene.headLoss.evaluate(scene.input);
device.run = run;
console.log('held', (device.pool.heldBytes - counts0) / 1e6);
const counts = launches.find((l) => l.kernel.name === 'head regions')?.bindings.counts;
if (counts) {
  const c = new Float32Array(await device.read(counts));
  let p = 0, r = 0;
  for (let b = 0; b < 8; b++) { p += c[20 * b]; r += c[20 * b + 1]; }
  console.log('positives', p, 'rows', r, 'levels', Array.from({ length: 5 }, (_, l) => Array.from({ length: 8 }, (_, b) => c[20 * b + 12 + l]).reduce((a, b) => a + b, 0)).join());
}
await result.read();
let sum = 0;
for (const launch of launches) {
  if (only && !only.some((o) => launch.kernel.name.includes(o))) continue;
  let cpu = 1e9, wall = 1e9;
  for (let i = 0; i < 7; i++) {
    await device.settled();
    const u = process.cpuUsage(); const t = performance.now();
    for (let k = 0; k < repeats; k++) run(launch);
    await device.settled();
    const v = process.cpuUsage(u);
    cpu = Math.min(cpu, (v.user + v.system) / 1000 / repeats); wall = Math.min(wall, (performance.now() - t) / repeats);
  }
  sum += cpu;
  console.log(launch.kernel.name.padEnd(28), 'cpu', cpu.toFixed(2), 'wall', wall.toFixed(2));
}
console.log('sum', sum.toFixed(2));
await device.close();
