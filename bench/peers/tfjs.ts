/**
 * TensorFlow.js on its WebGPU backend, in Node, through the Dawn and the adapter that edgewise opens.
 * `node dist/bench/peers/tfjs.js --rows head-loss --adapter software --runs 7`
 */
import { runPeer } from './shared/command.js';

// Imported late, so that a missing package is one line and not a stack.
await runPeer(async (adapter) => (await import('./tfjs/rows.js')).openTfjsPeer(adapter));
