/** The training's side of the page, in a Web Worker: the page stays responsive. */
import { conduct } from './conductor.js';
import type { Command, Report } from './protocol.js';

/** What of DedicatedWorkerGlobalScope is used; TypeScript's DOM library describes windows only. */
const scope = self as unknown as {
  postMessage(message: unknown): void;
  onmessage: ((event: MessageEvent<{ base: string } | Command>) => void) | null;
};

let send: ((command: Command) => void) | null = null;

scope.onmessage = ({ data }) => {
  if ('base' in data) {
    // Where a worker has no WebGPU the page takes over.
    const able = Boolean(navigator.gpu);
    scope.postMessage({ able });
    if (able) send = conduct(data.base, (report: Report) => scope.postMessage(report));
  } else send?.(data);
};
