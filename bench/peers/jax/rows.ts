import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { blockUntilReady, type JsTree, jit, type numpy as np, tree, valueAndGrad } from '@jax-js/jax';
import type { AdapterPreference } from '../../../src/gpu/adapter.js';
import type { Peer, PeerRows, Work } from '../shared/command.js';
import { convolutionRows, DENSE_ROWS, denseRows, headWork, otherHeadRows, trainWork } from '../shared/workloads.js';
import { convolutionWork } from './convolution.js';
import { JaxTrainer } from './detector.js';
import { headLoss, rowsLoss, uploadAssignment, uploadHead, uploadRows } from './losses.js';
import { openJax } from './open.js';
import { otherHeadLoss } from './otherHeads.js';

/** Starts jax-js and names its rows. @throws Error when it does not start */
export async function openJaxPeer(adapter: AdapterPreference): Promise<Peer> {
  await openJax();
  return { peer: `jax-js ${version()} webgpu`, rows: jaxRows(adapter) };
}

function jaxRows(adapter: AdapterPreference): PeerRows {
  return {
    'rows-ld-dfl': async () => {
      const { student, teacher, targets } = uploadRows(denseRows(DENSE_ROWS));
      const evaluate = jit(valueAndGrad(rowsLoss));
      return timed(() => evaluate(student.ref, teacher.ref, targets.ref));
    },
    'head-loss': async () => {
      const work = await headWork(adapter);
      const [student, teacher] = [work.student, work.teacher].map((rows) => uploadHead(rows, work.assignment));
      const assigned = uploadAssignment(work.assignment);
      const evaluate = jit(valueAndGrad(headLoss));
      return timed(() => evaluate(tree.ref(student), tree.ref(teacher), tree.ref(assigned)));
    },
    ...otherHeadRows(adapter, (head, { student, teacher, assignment }, batch) => {
      const [own, taught] = [student, teacher].map((rows) => uploadHead(rows, assignment));
      const assigned = uploadAssignment(assignment);
      const evaluate = jit(valueAndGrad(otherHeadLoss(head, batch)));
      return timed(() => evaluate(tree.ref(own), tree.ref(taught), tree.ref(assigned)));
    }),
    ...convolutionRows((shape, part) => timed(convolutionWork(shape)[part])),
    'train-step': async () => {
      const trainer = new JaxTrainer(await trainWork(adapter));
      return () => trainer.step();
    },
  };
}

function timed(compute: () => JsTree<np.ArrayLike>): Work {
  return async () => tree.dispose(await blockUntilReady(compute()));
}

/** The package exports its code only; package.json lies beside the folder of its entry. */
function version(): string {
  const entry = createRequire(import.meta.url).resolve('@jax-js/jax');
  return JSON.parse(readFileSync(join(dirname(entry), '../package.json'), 'utf8')).version;
}
