/**
 * jax-js on its WebGPU backend, in Node, through the Dawn and the adapter that edgewise opens.
 * `node dist/bench/peers/jax.js --rows head-loss --adapter software --runs 7`
 */
import { runPeer } from './shared/command.js';

// Imported late, so that a missing package is one line and not a stack.
await runPeer(async (adapter) => (await import('./jax/rows.js')).openJaxPeer(adapter));
