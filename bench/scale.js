/**
 * Weak scaling: 1, 2, … processes, each with a processor and as many images of its own, train the same detector under mpirun.
 *
 *   node bench/scale.js                     ranks 1 and 2, in turn, three times
 *   node bench/scale.js --ranks 1,2,4 --turns 5 --size small --pixels 128 --images 4
 *   node bench/scale.js --project           a model of larger machines: docs/scale.md
 *
 * It needs `npm run build`, mpirun and koffi.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/** Steps of a training, of which the first ten, while kernels still warm up, do not count. */
const STEPS = 30;
const WARM = 10;

const { values } = parseArgs({
  options: {
    ranks: { type: 'string', default: '1,2' },
    turns: { type: 'string', default: '3' },
    size: { type: 'string', default: 'small' },
    pixels: { type: 'string', default: '96' },
    images: { type: 'string', default: '2' },
    rank: { type: 'boolean', default: false },
    project: { type: 'boolean', default: false },
    out: { type: 'string' },
  },
});

if (values.project) project();
else if (values.rank) await train();
else measure();

/** Runs the numbers of ranks in turn, so that what else the machine does meets all of them. */
function measure() {
  const counts = values.ranks.split(',').map(Number);
  /** @type {Map<number, any[]>} */
  const found = new Map(counts.map((count) => [count, []]));
  for (let turn = 0; turn < Number(values.turns); turn++)
    for (const count of counts) found.get(count)?.push(run(count));
  console.log(
    '| ranks | images a step | ms a step | images/s | efficiency | CPU ms an image | exchanged, kB a step and rank | exchanging, ms a step | hidden, ms a step |',
  );
  console.log('|---|---|---|---|---|---|---|---|---|');
  const [first] = counts;
  const rate = (/** @type {number} */ count) => (count * Number(values.images)) / (best(count, 'seconds') || 1);
  for (const count of counts) {
    const cells = [
      count,
      count * Number(values.images),
      (1000 * best(count, 'seconds')).toFixed(1),
      rate(count).toFixed(1),
      `${((100 * rate(count) * first) / (rate(first) * count)).toFixed(0)} %`,
      ((1000 * best(count, 'cpu')) / Number(values.images)).toFixed(1),
      (best(count, 'bytes') / 1000).toFixed(0),
      ...median(count),
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }

  /** The least of all turns: what else runs only adds. */
  function best(/** @type {number} */ count, /** @type {string} */ key) {
    return Math.min(...(found.get(count) ?? []).map((one) => one[key]));
  }

  /** Both of one turn, that of the middle time. */
  function median(/** @type {number} */ count) {
    const turns = [...(found.get(count) ?? [])].sort((a, b) => a.exchanging - b.exchanging);
    const { exchanging, hidden } = turns[turns.length >> 1];
    return [exchanging, hidden].map((seconds) => (1000 * seconds).toFixed(1));
  }
}

/** @param {number} count of ranks, each on a processor of its own */
function run(count) {
  const out = join(tmpdir(), `edgewise-scale-${process.pid}`);
  const own = ['bench/scale.js', '--rank', '--out', out, '--size', values.size, '--pixels', values.pixels];
  const program = [process.execPath, ...own, '--images', values.images].map((word) => `'${word}'`).join(' ');
  const pinned = `exec taskset -c "$OMPI_COMM_WORLD_LOCAL_RANK" ${program}`;
  const flags = ['--allow-run-as-root', '--oversubscribe', '--bind-to', 'none', '-np', String(count)];
  try {
    execFileSync('mpirun', [...flags, 'sh', '-c', pinned], {
      env: { ...process.env, LP_NUM_THREADS: '1' },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return JSON.parse(readFileSync(`${out}.json`, 'utf8'));
  } finally {
    for (const path of [out, `${out}.json`]) rmSync(path, { recursive: true, force: true });
  }
}

/** One rank: trains, and rank 0 writes what a step took. */
async function train() {
  const { writeFileSync } = await import('node:fs');
  const { openDevice, detectorConfig } = await import('../dist/index.js');
  const { openMpi, shapesDataset, train: trained } = await import('../dist/trainer.js');
  const ranks = await openMpi();
  const device = await openDevice();
  const pixels = Number(values.pixels);
  const batch = ranks.size * Number(values.images);
  const total = { bytes: 0, exchanging: 0, hidden: 0 };
  /** @type {({ at: number, cpu: number, step: number } & typeof total)[]} */
  const marks = [];
  await trained({
    device,
    source: shapesDataset({ count: STEPS * batch, width: pixels, height: pixels, seed: 1 }),
    folder: String(values.out),
    detector: detectorConfig({ size: /** @type {'small'} */ (values.size), classes: 3, width: pixels, height: pixels }),
    settings: { epochs: 1, batch, evaluateEvery: 0, augment: false },
    ranks: ranks.size > 1 ? counting(ranks, total, device.gpu.queue) : undefined,
    onProgress: (progress) => {
      if (progress.kind !== 'step') return;
      const { user, system } = process.cpuUsage();
      const cpu = (user + system) / 1e6;
      marks.push({ at: performance.now() / 1000, cpu, step: progress.step, ...total });
    },
  });
  const [from, to] = [marks.find(({ step }) => step >= WARM), marks.at(-1)];
  const steps = to.step - from.step;
  const perStep = {
    seconds: (to.at - from.at) / steps,
    cpu: (to.cpu - from.cpu) / steps,
    bytes: (to.bytes - from.bytes) / steps,
    exchanging: (to.exchanging - from.exchanging) / steps,
    hidden: (to.hidden - from.hidden) / steps,
  };
  if (ranks.rank === 0) writeFileSync(`${values.out}.json`, JSON.stringify(perStep));
  await device.close();
  await ranks.close();
}

/**
 * Counts what goes over the network, sent and received alike, the time of each call, waiting for slower ranks included, and how much of that
 * time this rank's device still computed what it had been given before: that is hidden.
 * @param {import('../src/mpi/communicator.js').Communicator} ranks
 * @param {{ bytes: number, exchanging: number, hidden: number }} total
 * @param {GPUQueue} queue
 */
function counting(ranks, total, queue) {
  const { rank, size, localRank, localSize } = ranks;
  const timed = async (/** @type {number} */ bytes, /** @type {() => Promise<any>} */ call) => {
    const started = performance.now();
    let computed = Number.POSITIVE_INFINITY;
    queue.onSubmittedWorkDone().then(() => {
      computed = performance.now();
    });
    const result = await call();
    const ended = performance.now();
    total.exchanging += (ended - started) / 1000;
    total.hidden += (Math.min(ended, computed) - started) / 1000;
    total.bytes += bytes;
    return result;
  };
  return {
    ...{ rank, size, localRank, localSize },
    gather: (/** @type {any} */ own) => timed((size - 1) * own.byteLength, () => ranks.gather(own)),
    sum: (/** @type {any} */ own) => timed((2 * (size - 1) * own.byteLength) / size, () => ranks.sum(own)),
    broadcast: (/** @type {any} */ own) => timed(own.byteLength, () => ranks.broadcast(own)),
    barrier: () => ranks.barrier(),
    abort: () => ranks.abort(),
    close: () => ranks.close(),
  };
}

/** Prints the table of docs/scale.md: the share of a step that is computation, by network, detector and ranks. */
function project() {
  const networks = [
    { name: '1 Gbit/s Ethernet', latency: 50e-6, bandwidth: 0.11e9 },
    { name: '10 Gbit/s Ethernet', latency: 30e-6, bandwidth: 1.1e9 },
    { name: '100 Gbit/s InfiniBand', latency: 2e-6, bandwidth: 11e9 },
  ];
  const models = [
    { name: '1.4 M parameters, 50 ms', parameters: 1.4e6, step: 0.05 },
    { name: '1.4 M parameters, 200 ms', parameters: 1.4e6, step: 0.2 },
    { name: '30 M parameters, 200 ms', parameters: 30e6, step: 0.2 },
  ];
  const counts = [2, 4, 8, 16, 32, 64];
  console.log(`| network | a rank's step | ${counts.map((count) => `${count} ranks`).join(' | ')} |`);
  console.log(`|---|---|${counts.map(() => '---').join('|')}|`);
  for (const network of networks) {
    for (const model of models) {
      const shares = counts.map((ranks) => `${(100 * (model.step / stepOf(ranks, model, network))).toFixed(0)} %`);
      console.log(`| ${network.name} | ${model.name} | ${shares.join(' | ')} |`);
    }
  }
}

/**
 * Seconds of a step of `ranks`: docs/scale.md has the terms and where their numbers come from.
 * @param {number} ranks
 * @param {{ parameters: number, step: number }} model
 * @param {{ latency: number, bandwidth: number }} network
 */
function stepOf(ranks, { parameters, step }, { latency, bandwidth }) {
  const [pieces, small, readback, pci, add, backward, early] = [4, 3, 0.3e-3, 10e9, 1.5e-9, 0.5, 0.75];
  const bytes = 4 * parameters;
  const meet = Math.ceil(Math.log2(ranks)) * latency;
  // A barrier before each of a sum's two calls, and their messages one after another.
  const messages = pieces * 2 * (meet + (ranks - 1) * latency);
  const gradients = messages + (2 * bytes * (ranks - 1)) / (ranks * bandwidth) + (2 * bytes) / pci + parameters * add;
  // Pieces that are done before the backward pass ends travel while it goes on.
  const hidden = Math.min(early * gradients, backward * step * early);
  const normalisers = small * (readback + meet + (ranks - 1) * latency);
  return step + normalisers + readback + gradients - hidden;
}
