import { expect, test } from 'vitest';
import { type Peer, parseTimes, runPeer } from '../../bench/peers/index.js';

/** A peer that runs some JavaScript, with its arguments in `args`. */
const peer = (code: string): Peer => ({
  name: 'test',
  command: [process.execPath, '--eval', `const args = process.argv.slice(1); ${code}`, '--'],
});
const asked = { rows: ['head-loss', 'regions'], adapter: 'software', runs: 3 } as const;

test('a peer gets rows, adapter and runs, and its times are read', async () => {
  const echo = "console.log(JSON.stringify({ peer: args.join(' '), rows: { regions: { ms: 2, spread: 0.5 } } }))";
  expect(await runPeer(peer(echo), asked)).toEqual({
    peer: '--rows head-loss,regions --adapter software --runs 3',
    rows: { regions: { ms: 2, spread: 0.5 } },
  });
});

test('of a peer that is not there or fails it is said why', async () => {
  expect(await runPeer({ name: 'none', command: ['no-such-program'] }, asked)).toContain('ENOENT');
  expect(await runPeer(peer('process.exit(3)'), asked)).toBe('it ended with exit code 3');
  expect(await runPeer(peer("console.log('hello')"), asked)).toMatch(/no JSON document but "hello/);
});

test.each(['null', '{}', '{"peer": "x"}', '{"peer": 1, "rows": {}}', '{"peer": "x", "rows": {"a": {"ms": 1}}}'])(
  '%s is no answer of a peer',
  (printed) => expect(parseTimes(printed)).toMatch(/is not/),
);
