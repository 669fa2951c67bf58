/** Work that signals end at random moments: it goes on, and ends as if nothing had been. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { assertSame, run } from './process.js';
import { goOn } from './work.js';

/** @type {NodeJS.Signals[]} */
const SIGNALS = ['SIGKILL', 'SIGTERM', 'SIGKILL', 'SIGINT', 'SIGKILL', 'SIGHUP'];
/** Signals before a work may end. */
const MAX_IN_TURN = 4;

/**
 * Works that are disturbed until so many signals have ended one.
 * @param {{ works: { work: import('./work.js').Work, straight: string, seconds: number }[], folder: string, kills: number }} options
 * @param {(line: string) => void} tell
 */
export async function tryKills({ works, folder, kills }, tell) {
  let done = 0;
  let sent = 0;
  for (let turn = 0; done < kills; turn++) {
    const { work, straight, seconds } = works[turn % works.length];
    const out = join(folder, `killed-${turn}`);
    const history = [];
    const told = [];
    for (let n = 0; n < MAX_IN_TURN; n++) {
      const signal = SIGNALS[sent++ % SIGNALS.length];
      // At first only the program is loaded; and another time it may take less time.
      const moment = seconds * (0.2 + 0.6 * Math.random());
      const command = goOn(work, out, existsSync(join(out, 'checkpoint.safetensors')));
      const { by, output, stdout } = await run([...command, '--json'], { signal, seconds: moment });
      history.push(`${output} ${signal} after ${moment.toFixed(2)} s`);
      const isSaved = /"interrupted":true|"finished":false/.test(stdout);
      if (by === null && !isSaved) break;
      told.push(`${signal} at ${moment.toFixed(2)} s${by === null ? ', saved' : ''}`);
      done++;
    }
    const { output } = await run(goOn(work, out, existsSync(join(out, 'checkpoint.safetensors'))));
    assertSame(out, straight, [...history, output].join('\n'));
    tell(`${work.name}: ${told.join('; ') || 'not met'}: the same bits, nothing left over`);
  }
  return done;
}
