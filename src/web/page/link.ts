import { conduct } from '../conductor.js';
import type { Command, Report } from '../protocol.js';

/**
 * Starts the training's side: in a worker, so that the page stays responsive; in the page itself, which then gets its turn
 * between two steps, where workers have no WebGPU or cannot be started (a page opened from a file).
 * @returns what sends a command
 */
export async function connect(report: (report: Report) => void): Promise<(command: Command) => void> {
  const base = document.baseURI;
  return (await inWorker(base, report)) ?? conduct(base, report);
}

function inWorker(base: string, report: (report: Report) => void): Promise<((command: Command) => void) | null> {
  return new Promise((resolve) => {
    try {
      const worker = new Worker('worker.js', { type: 'module' });
      worker.onerror = () => resolve(null);
      worker.onmessage = ({ data }: MessageEvent<{ able: boolean } | Report>) => {
        if (!('able' in data)) report(data);
        else resolve(data.able ? (command) => worker.postMessage(command) : null);
      };
      worker.postMessage({ base });
    } catch {
      resolve(null);
    }
  });
}
