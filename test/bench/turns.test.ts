import { expect, test } from 'vitest';
import { takeTurns } from '../../bench/turns.js';

test('ours and theirs alternate, and neighbours are compared', async () => {
  const order: string[] = [];
  // The machine gets slower from turn to turn, for both alike: a peer timed by itself afterwards would look twice as slow.
  let load = 1;
  const turn = (who: string, ms: number) => async () => {
    order.push(who);
    load *= 1.01;
    return ms * load;
  };
  const found = await takeTurns(turn('own', 10), turn('peer', 50));
  expect(order.slice(0, 2)).toEqual(['peer', 'peer']);
  expect(order.slice(2)).toEqual(Array.from({ length: found.turns }, () => ['own', 'peer']).flat());
  expect(found.turns).toBe(11);
  expect(found.ratio).toBeCloseTo(5 * 1.01, 9);
  expect(found.spread).toBeCloseTo(0, 9);
  expect(found.ms / found.ownMs).toBeCloseTo(5 * 1.01, 9);
});

test('one turn in which something else ran does not count', async () => {
  let turns = 0;
  const theirs = async () => (++turns === 5 ? 1000 : 20);
  expect((await takeTurns(async () => 10, theirs)).ratio).toBe(2);
});
