/** `node dist/bench/first.js ROW ADAPTER`: times a first call, once, in this process; prints JSON. */
import type { AdapterPreference } from '../src/gpu/adapter.js';
import { openDevice } from '../src/tensor/device.js';
import { timeFirstCall } from './firstCall.js';
import { ROWS } from './rows/index.js';

const [name, adapter] = process.argv.slice(2);
const row = ROWS.find((row) => row.name === name);
if (!row || !('call' in row)) throw new Error(`no row of a first call is named ${name}`);
const device = await openDevice({ adapter: adapter as AdapterPreference, tune: false });
console.log(JSON.stringify(await timeFirstCall(device, row)));
await device.close();
