import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Command } from 'commander';
import type { Deviation } from '../eval/deviation.js';
import { loadGoldenCase } from '../eval/goldenCase.js';
import { checkGoldenCase } from '../eval/goldenCheck.js';

import { InputError } from '../util/error.js';
import { packageFolder } from '../util/packageFolder.js';
import { type AdapterOptions, addDeviceOptions, type Outcome, prints, withDevice } from './command.js';
import { table } from './table.js';

const ENDING = '.safetensors';

/** The golden cases of one file, as `--json` prints them. */
interface CaseResult {
  file: string;
  passed: boolean;
  quantities: Deviation[];
}

type AnyGoldenCase = Awaited<ReturnType<typeof loadGoldenCase>>;

/** `edgewise verify [FILE…]` */
export function addVerify(program: Command): void {
  const command = program
    .command('verify')
    .description("check losses, regions and gradients on this adapter against the reference implementation's results")
    .argument('[file...]', 'golden cases (safetensors); default: those that come with the package');
  prints(addDeviceOptions(command), verify);
}

/** Reads all files before the adapter is opened: a wrong one is told at once. */
async function verify(files: string[], options: AdapterOptions): Promise<Outcome> {
  const golden: AnyGoldenCase[] = [];
  for (const file of files) golden.push(await loadGoldenCase(file));
  if (files.length === 0) golden.push(...(await shippedCases()));
  return withDevice(options, async (device) => {
    const cases: CaseResult[] = [];
    for (const one of golden) {
      const quantities = await checkGoldenCase(device, one);
      cases.push({ file: one.file, passed: quantities.every(({ passed }) => passed), quantities });
    }
    const passed = cases.every((one) => one.passed);
    const { name } = device.adapter;
    return { data: { adapter: name, passed, cases }, text: describe(name, cases), failed: !passed };
  });
}

/** The golden cases that scripts/build.js has put into the package, by their names. */
async function shippedCases(): Promise<AnyGoldenCase[]> {
  const folder = join(packageFolder(), 'dist/golden');
  const names = await readdir(folder).catch(() => []);
  if (names.length === 0) {
    throw new InputError(`${folder} holds no golden cases: install edgewise anew, or, in its checkout, npm run build`);
  }
  const load = async (name: string) => ({
    ...(await loadGoldenCase(join(folder, name))),
    file: basename(name, ENDING),
  });
  return Promise.all(names.sort().map(load));
}

function describe(adapter: string, cases: CaseResult[]): string {
  const failed = cases.filter(({ passed }) => !passed).length;
  const count = cases.length === 1 ? '1 case' : `${cases.length} cases`;
  const summary = failed > 0 ? `${failed} of ${count} FAILED` : `${count} passed`;
  return [`Adapter: ${adapter}`, ...cases.map(describeCase), summary].join('\n\n');
}

/** One line a quantity: the worst of its levels. */
function describeCase({ file, passed, quantities }: CaseResult): string {
  const groups = new Map<string, Deviation[]>();
  for (const quantity of quantities) {
    const name = quantity.name.replace(/\.\d+$/, '');
    groups.set(name, [...(groups.get(name) ?? []), quantity]);
  }
  const rows = [...groups].map(([name, levels]) => {
    const failures = levels.filter((level) => !level.passed).map((level) => level.name.slice(name.length + 1));
    const where = failures.some((level) => level !== '') ? ` at level ${failures.join(', ')}` : '';
    return [
      `  ${name}`,
      Math.max(...levels.map(({ absolute }) => absolute)).toExponential(1),
      Math.max(...levels.map(({ relative }) => relative)).toExponential(1),
      failures.length > 0 ? `FAILED${where}` : 'passed',
    ];
  });
  return `${file}: ${passed ? 'passed' : 'FAILED'}\n${table([['  quantity', 'absolute', 'relative', ''], ...rows])}`;
}
