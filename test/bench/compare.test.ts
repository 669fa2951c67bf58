import { expect, test } from 'vitest';
import { compare, formatComparisons, judge, type Pair, takePairs } from '../../bench/compare.js';
import type { Peer } from '../../bench/peers/index.js';

const pairs = (ratios: readonly number[]): Pair[] => ratios.map((ratio) => ({ own: 10 * ratio, other: 10 }));
const series = (...parts: [number, number][]) => pairs(parts.flatMap(([count, ratio]) => Array(count).fill(ratio)));

test.each<[string, Pair[], boolean]>([
  ['no difference', series([21, 1]), false],
  ['3 % in every pair', series([21, 1.0299]), false],
  ['more than 3 % in every pair', series([21, 1.0301]), true],
  ['faster', series([21, 0.5]), false],
  ['17 of 21 slow, by chance in 0.4 of 100 series', series([17, 1.1], [4, 0.9]), true],
  ['16 of 21 slow, by chance in 1.3 of 100', series([16, 1.1], [5, 0.9]), false],
  ['one turn in which something else ran', series([1, 50], [20, 1]), false],
  ['too few pairs to tell', series([6, 2]), false],
])('%s', (_, given, isSlower) => {
  expect(judge('row', given).isSlower).toBe(isSlower);
});

test('who comes first alternates, and the first turns do not count', async () => {
  const order: string[] = [];
  // The machine gets slower from turn to turn, for both alike.
  let load = 1;
  const turn = (who: string, ms: number) => async () => {
    order.push(who);
    load *= order.length <= 2 ? 100 : 1.01;
    return ms * load;
  };
  const found = await takePairs(turn('own', 10), turn('other', 10));
  expect(order.slice(2, 8)).toEqual(['own', 'other', 'other', 'own', 'own', 'other']);
  expect(order.length).toBe(2 * found.length + 2);
  const { ratio, slowPairs, isSlower } = judge('row', found);
  expect(Math.abs(ratio - 1)).toBeLessThan(0.0101);
  expect({ slowPairs, isSlower }).toEqual({ slowPairs: 0, isSlower: false });
});

/** A side with some rows, each of which takes so long. */
const side = (times: Record<string, number>): Peer['command'] => [
  process.execPath,
  '--eval',
  `const times = ${JSON.stringify(times)};
   console.log(JSON.stringify({ peer: 'Some adapter', rows: Object.keys(times) }));
   require('node:readline').createInterface({ input: process.stdin }).on('line', (row) => {
     console.log(JSON.stringify({ ms: times[row] }));
   });`,
  '--',
];

test('a row that a side has not is said and left out; the others are judged', async () => {
  const said: string[] = [];
  const found = await compare({
    own: side({ same: 10, slower: 12, fresh: 1 }),
    other: side({ same: 10, slower: 10, gone: 1 }),
    adapter: 'software',
    rows: ['same', 'fresh', 'slower', 'gone'],
    progress: (text) => said.push(text),
  });
  expect(found.map(({ row, ratio, isSlower }) => [row, ratio, isSlower])).toEqual([
    ['same', 1, false],
    ['slower', 1.2, true],
  ]);
  expect(said.filter((text) => text.includes('left out'))).toEqual([
    'fresh is left out: the other commit has no such row',
    'gone is left out: this checkout has no such row',
  ]);
  expect(formatComparisons(found, 'abc1234')).toMatch(/^slower +12\.00 +10\.00 +1\.200 .* slower$/m);
});

test('a row that neither has is refused', async () => {
  const both = side({ same: 10 });
  const run = compare({ own: both, other: both, adapter: 'software', rows: ['sam'], progress: () => {} });
  await expect(run).rejects.toThrow('no row is named sam; there are same.');
});
