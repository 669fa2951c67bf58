/** Real processes under mpirun; what they exchange and how they train is otherwise tested within one (test/train/ranks.test.ts). */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { sumInOrder } from '../../src/mpi/communicator.js';
import { readLog } from '../../src/train/runFolder.js';
import { edgewise } from '../cli/cli.js';
import { expectClose } from '../reference/closeTo.js';
import { lacksMpi, mpirun } from './mpirun.js';

const root = await mkdtemp(join(tmpdir(), 'edgewise-mpi-'));
afterAll(() => rm(root, { recursive: true }));

/**
 * Each rank exchanges arrays of no round length, and says what it got. Its machine's name is another than the others': who shares the
 * machine is for MPI to say.
 */
const PROGRAM = `
  import { writeFileSync } from 'node:fs';
  import { syncBuiltinESMExports } from 'node:module';
  import os from 'node:os';
  os.hostname = () => 'container-' + process.pid;
  syncBuiltinESMExports();
  const { openMpi } = await import(${JSON.stringify(resolve('dist/trainer.js'))});
  const ranks = await openMpi();
  const { rank, size, localRank, localSize } = ranks;
  const own = Float32Array.of(1e8, 1, -1e8, 0.1, 7).map((value, i) => (i + rank) % 3 === 0 ? value : value / (rank + 3));
  const [gathered, sum, wide] = await Promise.all([
    ranks.gather(own),
    ranks.sum(own),
    ranks.sum(Float64Array.from(own)),
  ]);
  const long = Float32Array.from({ length: 10007 }, (_, i) => Math.sin(1 + i * (rank + 1)));
  const slices = await ranks.sum(long);
  const sent = Float32Array.of(rank + 5, rank);
  await ranks.broadcast(sent);
  await ranks.barrier();
  const lists = { gathered: gathered.map((values) => [...values]), sum: [...sum], wide: [...wide], sent: [...sent], slices: [...slices] };
  writeFileSync(process.argv[2] + rank, JSON.stringify({ rank, size, localRank, localSize, ...lists }));
  await ranks.close();
`;

describe.skipIf(lacksMpi !== '')(`mpirun${lacksMpi}`, () => {
  test('three processes gather, sum in order, broadcast and end', async () => {
    await writeFile(join(root, 'program.mjs'), PROGRAM);
    const { code, stderr } = await mpirun(3, [join(root, 'program.mjs'), join(root, 'rank-')]).ended;
    expect([code, stderr]).toEqual([0, '']);
    const said = await Promise.all(
      [0, 1, 2].map(async (rank) => JSON.parse(await readFile(join(root, `rank-${rank}`), 'utf8'))),
    );
    for (const [rank, { gathered, ...got }] of said.entries()) {
      expect(gathered).toEqual(said[0].gathered);
      expect(gathered[1][0]).toBe(Math.fround(1e8 / 4));
      const sum = Array.from(sumInOrder(gathered.map((values: number[]) => Float32Array.from(values))));
      const wide = Array.from(sumInOrder(gathered.map((values: number[]) => Float64Array.from(values))));
      const long = [1, 2, 3].map((factor) => Float32Array.from({ length: 10007 }, (_, i) => Math.sin(1 + i * factor)));
      const slices = Array.from(sumInOrder(long));
      expect(got).toEqual({ rank, size: 3, localRank: rank, localSize: 3, sum, wide, sent: [5, 0], slices });
    }
  });

  // SGD: AdamW makes full steps of gradients that are nothing but rounding.
  const data = ['train', 'shapes', '--images', '8', '--width', '64', '--height', '64'];
  const settings = ['--size', 'tiny', '--batch', '4', '--epochs', '6', '--evaluate-every', '0', '--optimizer', 'sgd'];
  const rates = ['--learning-rate', '0.01', '--warmup-steps', '0'];

  test('a process that dies ends all; another number goes on, and all is as one process has it', async () => {
    const out = join(root, 'two');
    const { ended, pids } = mpirun(2, ['dist/cli.js', ...data, ...settings, ...rates, '--distributed', '--out', out]);
    let killed = false;
    const watch = async () => {
      while (!killed && (await readLog(out).catch(() => [])).length < 2) await pause(20);
      if (!killed) process.kill(pids()[1], 'SIGKILL');
    };
    const [{ code, stderr }] = await Promise.all([ended.finally(() => (killed = true)), watch()]);
    expect(code, stderr).not.toBe(0);
    expect(stderr).toMatch(/epoch 2\/6/);
    const before = await readLog(out);
    expect(before.length).toBeGreaterThanOrEqual(2);
    expect(before.length).toBeLessThan(6);

    const resume = () => edgewise(['train', 'shapes', '--images', '8', '--out', out, '--resume']);
    let resumed = await resume();
    // mpirun ends a moment before the processes that it kills: until then the folder is theirs.
    while (/has been training there/.test(resumed.stderr)) {
      await pause(100);
      resumed = await resume();
    }
    expect(resumed.code, resumed.stderr).toBe(0);
    const one = await edgewise([...data, ...settings, ...rates, '--out', join(root, 'one')]);
    expect(one.code, one.stderr).toBe(0);
    const [log, expected] = await Promise.all([readLog(out), readLog(join(root, 'one'))]);
    expect(log.map(({ step }) => step)).toEqual(expected.map(({ step }) => step));
    for (const [i, { terms }] of log.entries()) {
      expectClose(
        Object.values(terms),
        Object.values(expected[i].terms),
        { relative: 2e-6 },
        `terms of epoch ${i + 1}`,
      );
    }
  });

  test('what all do wrong is said once', async () => {
    const args = [...data, '--batch', '3', '--distributed', '--out', join(root, 'wrong')];
    const { code, stderr, stdout } = await mpirun(2, ['dist/cli.js', ...args]).ended;
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr.match(/edgewise: .*/g)).toEqual([
      'edgewise: rank 0 of 2: batch: 3 images a step for 2 processes; it counts the images of all of them: give a multiple of 2.',
    ]);
  });
});
