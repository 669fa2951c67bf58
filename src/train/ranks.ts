import { createHash } from 'node:crypto';
import type { Communicator } from '../mpi/communicator.js';
import { InputError } from '../util/error.js';
import type { TrainContext, TrainState } from './context.js';
import { companionsOf, type Learner } from './learner.js';

/** Whether this process writes the run's folder and evaluates: rank 0, or the only one. */
export function isLeader({ ranks }: Pick<TrainContext, 'ranks'>): boolean {
  return !ranks || ranks.rank === 0;
}

/** Images of a step that one process computes. @throws InputError when they cannot share the batch equally */
export function ownBatch({ ranks }: Pick<TrainContext, 'ranks'>, batch: number): number {
  const size = ranks?.size ?? 1;
  if (batch % size === 0) return batch / size;
  throw new InputError(
    `batch: ${batch} images a step for ${size} processes; it counts the images of all of them: give a multiple of ${size}.`,
  );
}

/** What all processes do after a step. */
export interface Decision {
  /** Somebody was asked to stop. */
  stops: boolean;
  /** Rank 0 wants to save. */
  saves: boolean;
}

/** What to do after a step, the same in all processes. */
export async function decide(ranks: Communicator | undefined, own: Decision): Promise<Decision> {
  if (!ranks) return own;
  const all = await ranks.gather(Float32Array.of(Number(own.stops), Number(own.saves)));
  return { stops: all.some(([stops]) => stops === 1), saves: all[0][1] === 1 };
}

/** Rank 0's answer, for which the others may wait long. */
export async function leadersAnswer(ranks: Communicator | undefined, own: boolean): Promise<boolean> {
  if (!ranks) return own;
  await ranks.barrier();
  const answer = Float32Array.of(Number(own));
  await ranks.broadcast(answer);
  return answer[0] === 1;
}

/** Σ over all processes of each of some arrays, in place. */
export async function sumAll(ranks: Communicator | undefined, arrays: readonly Float32Array[]): Promise<void> {
  if (!ranks) return;
  for (const array of arrays) array.set(await ranks.sum(array));
}

/**
 * Checks that all processes are about to train the same: other data, settings, weights or another checkpoint would spoil every step.
 * @throws InputError that names the first process that differs from rank 0
 */
export async function assertSameTraining(
  { ranks, source }: TrainContext,
  learner: Learner,
  { recipe, settings, step }: TrainState,
): Promise<void> {
  if (!ranks) return;
  const hash = createHash('sha256');
  const { config } = learner.net;
  hash.update(JSON.stringify({ config, recipe, settings, step, classes: source.classes, images: source.length }));
  for (const [, { parameters, average, state }] of [['', learner.optimizer] as const, ...companionsOf(learner)]) {
    for (const tensor of [parameters.values, ...(average ? [average] : []), ...Object.values(state)]) {
      hash.update(await tensor.read());
    }
  }
  const all = await ranks.gather(Float32Array.from(hash.digest()));
  const other = all.findIndex((digest) => digest.join() !== all[0].join());
  if (other === -1) return;
  throw new InputError(
    `rank ${other} is about to train something else than rank 0: all processes need the same command, the same data and, to resume, the same folder.`,
  );
}
