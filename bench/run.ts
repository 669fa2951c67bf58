import { gpuChoices } from '../src/gpu/choices.js';
import { type AdapterDescription, type Device, openDevice } from '../src/tensor/device.js';
import { type ChosenClock, chooseClock } from './clock.js';
import { measureCurves } from './curves.js';
import { FIRST_CALL, measureFirstCall } from './firstCall.js';
import type { BenchOptions } from './options.js';
import { PEERS, type Peer, RunningPeer } from './peers/index.js';
import { beginReport, type Report } from './report.js';
import { measureRow } from './row.js';

/**
 * Measures what the options ask for.
 * @param args the command line, for the report
 * @param progress is told what is measured now
 * @throws DeviceError when there is no adapter, or it cannot do a row
 */
export async function runBench(
  options: BenchOptions,
  args: readonly string[],
  progress: (text: string) => void,
  peers: readonly Peer[] = PEERS,
  firstCall: readonly string[] = FIRST_CALL,
): Promise<Report> {
  const { plan } = options;
  const open = async () => {
    const device = await openDevice({ adapter: options.adapter, tune: false });
    if (options.choices) device.setChoices(options.choices);
    if (options.gpuChoices) device.setChoices(gpuChoices(device.gpu));
    return device;
  };
  progress('clocks');
  const { adapter, ...chosen } = await examine(await open());
  const report = beginReport(adapter, chosen, args);
  const running = options.peers ? await startPeers(peers, adapter.kind, progress) : [];
  for (const { name, library } of running) report.peers[name] = library;
  try {
    for (const row of options.rows) {
      progress(row.name);
      if ('call' in row) {
        report.rows.push(await measureFirstCall(row, options.adapter, firstCall));
        continue;
      }
      // A device of its own: its memory is free afterwards, and no row finds what another left.
      const device = await open();
      if (row.needs && !device.gpu.features.has(row.needs)) progress(`${row.name} is left out: no ${row.needs} here`);
      else
        report.rows.push(await measureRow(device, row, { ...options, ...chosen, peers: running, onFailure: progress }));
      await device.close();
    }
  } finally {
    await Promise.all(running.map((peer) => peer.stop()));
  }
  if (options.curves) {
    const onPoint = (point: string) => progress(`head loss, ${point}`);
    report.curves = await measureCurves(open, { ...chosen, plan, onPoint });
  }
  return report;
}

async function examine(device: Device): Promise<ChosenClock & { adapter: AdapterDescription }> {
  const chosen = await chooseClock(device);
  await device.close();
  return { ...chosen, adapter: device.adapter };
}

/** Starts the peers that are there; of the others it is said why not, and the run goes on. */
async function startPeers(
  peers: readonly Peer[],
  adapter: AdapterDescription['kind'],
  progress: (text: string) => void,
): Promise<RunningPeer[]> {
  const running: RunningPeer[] = [];
  for (const peer of peers) {
    try {
      running.push(await RunningPeer.start(peer, adapter));
    } catch (error) {
      progress(`peer ${peer.name} is left out: ${(error as Error).message}`);
    }
  }
  return running;
}
