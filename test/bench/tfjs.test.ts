import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { offerAdapter } from '../../bench/peers/shared/adapter.js';
import { TfjsTrainer } from '../../bench/peers/tfjs/detector.js';
import { headLoss, rowsLoss, uploadAssignment, uploadHead, uploadRows } from '../../bench/peers/tfjs/losses.js';
import { openTfjs } from '../../bench/peers/tfjs/open.js';
import { otherHeadLoss } from '../../bench/peers/tfjs/otherHeads.js';
import { expectClose } from '../reference/closeTo.js';
import { expectGradient, headCase, QUICK_COMPILER, rowsCase, trainCase } from './peerCases.js';

beforeAll(async () => {
  await offerAdapter(QUICK_COMPILER);
  await openTfjs();
});

test('LD + DFL + integral of rows', async () => {
  const { rows, loss, gradient } = rowsCase();
  const { student, teacher, targets } = uploadRows(rows);
  const { value, grad } = tf.valueAndGrad((logits) => rowsLoss(logits as tf.Tensor2D, teacher, targets))(student);
  expectClose(await value.data(), [loss], { relative: 1e-5 });
  expectGradient(await grad.data(), gradient);
});

test('head loss', async () => {
  const { work, loss, gradients } = await headCase();
  const [student, teacher] = [work.student, work.teacher].map((rows) => uploadHead(rows, work.assignment));
  const assigned = uploadAssignment(work.assignment);
  const { value, grads } = tf.valueAndGrads((classLogits, boxLogits) =>
    headLoss({ classLogits: classLogits as tf.Tensor2D, boxLogits: boxLogits as tf.Tensor2D }, teacher, assigned),
  )([student.classLogits, student.boxLogits]);
  expectClose(await value.data(), [loss], { relative: 1e-5 });
  expectGradient(await grads[0].data(), gradients.classLogits);
  expectGradient(await grads[1].data(), gradients.boxLogits);
});

test.each(['yolov8', 'nanodet-plus'] as const)('head loss of %s with LD', async (head) => {
  const { work, loss, gradients, batch } = await headCase(`${head}+ld`);
  const [student, teacher] = [work.student, work.teacher].map((rows) => uploadHead(rows, work.assignment));
  const assigned = uploadAssignment(work.assignment);
  const { value, grads } = tf.valueAndGrads((classLogits, boxLogits) => {
    const own = { classLogits: classLogits as tf.Tensor2D, boxLogits: boxLogits as tf.Tensor2D };
    return otherHeadLoss(head, own, teacher, assigned, batch);
  })([student.classLogits, student.boxLogits]);
  expectClose(await value.data(), [loss], { relative: 1e-5 });
  expectGradient(await grads[0].data(), gradients.classLogits);
  expectGradient(await grads[1].data(), gradients.boxLogits);
});

test('training step', async () => {
  const { work, loss, gradients } = await trainCase();
  const { value, grads } = new TfjsTrainer(work).gradients();
  expectClose(await value.data(), [loss], { relative: 1e-5 });
  expect(Object.keys(grads).sort()).toEqual([...gradients.keys()].sort());
  for (const [name, { shape, data }] of gradients) {
    // [k, k, in, out] -> [out, in, k, k]
    const gradient = shape.length === 4 ? tf.transpose(grads[name], [3, 2, 0, 1]) : grads[name];
    expectGradient(await gradient.data(), data, name);
  }
});
