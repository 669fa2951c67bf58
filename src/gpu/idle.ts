/** Milliseconds the thread sleeps between two looks at the queue: a small share of any step, and a core for the adapter. */
const NAP = 0.3;

const cell = typeof SharedArrayBuffer === 'undefined' ? null : new Int32Array(new SharedArrayBuffer(4));

/**
 * Waits for the GPU. Dawn in Node looks for finished work in a loop that keeps a core busy, and a software adapter could
 * use that core; so the thread sleeps between two turns of the event loop. Browsers wait by themselves.
 */
export async function idleUntil<T>(work: Promise<T>): Promise<T> {
  if (!cell || typeof process === 'undefined' || typeof setImmediate === 'undefined') return work;
  const sleeper = cell;
  let done = false;
  const finish = () => {
    done = true;
  };
  work.then(finish, finish);
  const nap = () => {
    if (done) return;
    Atomics.wait(sleeper, 0, 0, NAP);
    setImmediate(nap);
  };
  setImmediate(nap);
  return work;
}
