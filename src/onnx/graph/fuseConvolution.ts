import type { Edge } from './host.js';
import type { Step, Steps } from './step.js';

/** Activations behind a convolution, whose result nothing else takes, become part of it: one pass, and one tensor to keep. */
export function fuseActivations(steps: readonly Step[], graph: Steps): Step[] {
  const makers = new Map<Edge, Step>(steps.flatMap((step) => step.outputs.map((output) => [output, step] as const)));
  return steps.map((step) => {
    const activation = step.traits?.activation;
    const convolution = activation && graph.uses(step.inputs[0]) === 1 ? makers.get(step.inputs[0]) : undefined;
    const run = activation && convolution?.traits?.activated?.(activation);
    return run && convolution ? { ...convolution, outputs: step.outputs, run, traits: { readsResult: true } } : step;
  });
}
