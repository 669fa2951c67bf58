/**
 * TensorFlow.js on its WebGPU backend, in Node, through the Dawn and the adapter that edgewise opens.
 * `yes head-loss | head -7 | node dist/bench/peers/tfjs.js --adapter software`
 */
import { servePeer } from './shared/command.js';

// Imported late, so that a missing package is one line and not a stack.
await servePeer(async (adapter) => (await import('./tfjs/rows.js')).openTfjsPeer(adapter));
