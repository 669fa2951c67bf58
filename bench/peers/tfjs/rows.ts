import * as tf from '@tensorflow/tfjs';
import type { AdapterPreference } from '../../../src/gpu/adapter.js';
import type { Peer, PeerRows, Work } from '../shared/command.js';
import { convolutionRows, DENSE_ROWS, denseRows, headWork, otherHeadRows, trainWork } from '../shared/workloads.js';
import { convolutionWork } from './convolution.js';
import { TfjsTrainer } from './detector.js';
import { headLoss, rowsLoss, uploadAssignment, uploadHead, uploadRows } from './losses.js';
import { openTfjs, settled } from './open.js';
import { otherHeadLoss } from './otherHeads.js';

/** Starts TensorFlow.js and names its rows. @throws Error when it does not start */
export async function openTfjsPeer(adapter: AdapterPreference): Promise<Peer> {
  await openTfjs();
  return { peer: `TensorFlow.js ${tf.version.tfjs} webgpu`, rows: tfjsRows(adapter) };
}

function tfjsRows(adapter: AdapterPreference): PeerRows {
  return {
    'rows-ld-dfl': async () => {
      const { student, teacher, targets } = uploadRows(denseRows(DENSE_ROWS));
      const evaluate = tf.valueAndGrad((logits) => rowsLoss(logits as tf.Tensor2D, teacher, targets));
      return () => evaluated(() => evaluate(student));
    },
    'head-loss': async () => {
      const work = await headWork(adapter);
      const [student, teacher] = [work.student, work.teacher].map((rows) => uploadHead(rows, work.assignment));
      const assigned = uploadAssignment(work.assignment);
      const evaluate = tf.valueAndGrads((classLogits, boxLogits) =>
        headLoss({ classLogits: classLogits as tf.Tensor2D, boxLogits: boxLogits as tf.Tensor2D }, teacher, assigned),
      );
      return () => evaluated(() => evaluate([student.classLogits, student.boxLogits]));
    },
    ...otherHeadRows(adapter, (head, { student, teacher, assignment }, batch) => {
      const [own, taught] = [student, teacher].map((rows) => uploadHead(rows, assignment));
      const assigned = uploadAssignment(assignment);
      const evaluate = tf.valueAndGrads((classLogits, boxLogits) =>
        otherHeadLoss(
          head,
          { classLogits: classLogits as tf.Tensor2D, boxLogits: boxLogits as tf.Tensor2D },
          taught,
          assigned,
          batch,
        ),
      );
      return () => evaluated(() => evaluate([own.classLogits, own.boxLogits]));
    }),
    ...convolutionRows((shape, part) => timed(convolutionWork(shape)[part])),
    'train-step': async () => {
      const trainer = new TfjsTrainer(await trainWork(adapter));
      return () => settled(trainer.step());
    },
  };
}

/** The loss is waited for last: it was recorded first. */
async function evaluated(evaluate: () => { value: tf.Tensor }): Promise<void> {
  const { value, ...gradients } = tf.tidy(evaluate) as { value: tf.Tensor } & tf.NamedTensorMap;
  tf.dispose(gradients);
  await settled(value);
}

function timed(compute: () => tf.Tensor): Work {
  return () => settled(tf.tidy(compute));
}
