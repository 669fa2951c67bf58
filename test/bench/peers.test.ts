import { expect, test } from 'vitest';
import { type Peer, RunningPeer } from '../../bench/peers/index.js';

/** A peer that runs some JavaScript, with its arguments in `args`, `say` for a line and `answer` for its answers to lines. */
const peer = (code: string): Peer => ({
  name: 'test',
  command: [
    process.execPath,
    '--eval',
    `const args = process.argv.slice(1);
     const say = (text) => console.log(text);
     const answer = (to) => require('node:readline').createInterface({ input: process.stdin }).on('line', (l) => say(to(l)));
     ${code}`,
    '--',
  ],
});
const greeting = `say(JSON.stringify({ peer: args.join(' '), rows: ['a', 'b'] }));`;

test('a peer says what it is, takes its turns, and ends', async () => {
  const running = await RunningPeer.start(
    peer(`${greeting} answer((row) => JSON.stringify(row === 'a' ? { ms: 2.5 } : { error: 'no ' + row }));`),
    'software',
  );
  expect(running).toMatchObject({ name: 'test', library: '--adapter software', rows: new Set(['a', 'b']) });
  expect(await running.turn('a')).toBe(2.5);
  await expect(running.turn('b')).rejects.toThrow('no b');
  expect(await running.turn('a')).toBe(2.5);
  await running.stop();
});

test('of a peer that is not there or fails it is said why', async () => {
  const start = (one: Peer) => RunningPeer.start(one, 'software');
  await expect(start({ name: 'none', command: ['no-such-program'] })).rejects.toThrow('ENOENT');
  await expect(start(peer('process.exit(3)'))).rejects.toThrow('it ended with exit code 3');
  await expect(start(peer("say('hello'); answer(() => '');"))).rejects.toThrow('it said "hello" and not {"peer"');
});

test.each(['null', '{}', '{"peer": "x"}', '{"peer": 1, "rows": []}', '{"peer": "x", "rows": [1]}'])(
  '%s is no greeting of a peer',
  async (said) => {
    const silly = peer(`say(${JSON.stringify(said)}); answer(() => '');`);
    await expect(RunningPeer.start(silly, 'software')).rejects.toThrow(/it said .* and not \{"peer"/);
  },
);

test('what is no time is an error, and so is an end in the middle; one that is gone can be stopped', async () => {
  const wrong = await RunningPeer.start(peer(`${greeting} answer(() => '{"ms": "fast"}');`), 'software');
  await expect(wrong.turn('a')).rejects.toThrow('it said {"ms":"fast"} and not {"ms"}');
  await wrong.stop();
  const gone = await RunningPeer.start(peer(`${greeting} answer(() => process.exit(1));`), 'software');
  await expect(gone.turn('a')).rejects.toThrow('it ended with exit code 1');
  await expect(gone.turn('a')).rejects.toThrow('it ended with exit code 1');
  await gone.stop();
});
