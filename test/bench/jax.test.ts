import { jit, type numpy as np, valueAndGrad } from '@jax-js/jax';
import { beforeAll, expect, test } from 'vitest';
import { lossAndGradients, uploadTraining } from '../../bench/peers/jax/detector.js';
import { headLoss, rowsLoss, uploadAssignment, uploadHead, uploadRows } from '../../bench/peers/jax/losses.js';
import { openJax } from '../../bench/peers/jax/open.js';
import { otherHeadLoss } from '../../bench/peers/jax/otherHeads.js';
import { offerAdapter } from '../../bench/peers/shared/adapter.js';
import { expectClose } from '../reference/closeTo.js';
import { expectGradient, headCase, QUICK_COMPILER, rowsCase, trainCase } from './peerCases.js';

beforeAll(async () => {
  await offerAdapter(QUICK_COMPILER);
  await openJax();
});

test('LD + DFL + integral of rows', async () => {
  const { rows, loss, gradient } = rowsCase();
  const { student, teacher, targets } = uploadRows(rows);
  const [value, grad] = jit(valueAndGrad(rowsLoss))(student, teacher, targets);
  expectClose(await value.data(), [loss], { relative: 1e-5 });
  expectGradient(await (grad as np.Array).data(), gradient);
});

test('head loss', async () => {
  const { work, loss, gradients } = await headCase();
  const [student, teacher] = [work.student, work.teacher].map((rows) => uploadHead(rows, work.assignment));
  const assigned = uploadAssignment(work.assignment);
  const [value, grads] = jit(valueAndGrad(headLoss))(student, teacher, assigned);
  expectClose(await value.data(), [loss], { relative: 1e-5 });
  expectGradient(await (grads.classLogits as np.Array).data(), gradients.classLogits);
  expectGradient(await (grads.boxLogits as np.Array).data(), gradients.boxLogits);
});

test.each(['yolov8', 'nanodet-plus'] as const)('head loss of %s with LD', async (head) => {
  const { work, loss, gradients, batch } = await headCase(`${head}+ld`);
  const [student, teacher] = [work.student, work.teacher].map((rows) => uploadHead(rows, work.assignment));
  const assigned = uploadAssignment(work.assignment);
  const [value, grads] = jit(valueAndGrad(otherHeadLoss(head, batch)))(student, teacher, assigned);
  expectClose(await value.data(), [loss], { relative: 1e-5 });
  expectGradient(await (grads.classLogits as np.Array).data(), gradients.classLogits);
  expectGradient(await (grads.boxLogits as np.Array).data(), gradients.boxLogits);
});

test('training step', async () => {
  const { work, loss, gradients } = await trainCase();
  const { parameters, images, assigned } = uploadTraining(work);
  const [value, grads] = jit(lossAndGradients(work.config))(parameters, images, assigned);
  expectClose(await value.data(), [loss], { relative: 1e-5 });
  expect(Object.keys(grads).sort()).toEqual([...gradients.keys()].sort());
  for (const [name, { data }] of gradients) expectGradient(await (grads[name] as np.Array).data(), data, name);
});
