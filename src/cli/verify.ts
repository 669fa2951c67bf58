import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Command } from 'commander';
import { readSafetensors } from '../data/safetensors.js';
import type { Deviation } from '../eval/deviation.js';
import { loadGoldenCase, parseGoldenCase } from '../eval/goldenCase.js';
import { checkGoldenCase } from '../eval/goldenCheck.js';
import { checkGoldenGraph, type GoldenGraphCase, isGoldenGraph, parseGoldenGraph } from '../onnx/graph/golden.js';
import { readModel } from '../onnx/readModel.js';
import type { Device } from '../tensor/device.js';
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

type AnyGoldenCase = Awaited<ReturnType<typeof loadGoldenCase>> | GoldenGraphCase;

interface VerifyOptions extends AdapterOptions {
  model?: string;
}

/** `edgewise verify [FILE…]` */
export function addVerify(program: Command): void {
  const command = program
    .command('verify')
    .description("check losses, regions and gradients on this adapter against the reference implementation's results")
    .argument('[file...]', 'golden cases (safetensors); default: those that come with the package')
    .option('--model <file>', 'the ONNX model of cases of a graph');
  prints(addDeviceOptions(command), verify);
}

/** Reads all files before the adapter is opened: a wrong one is told at once. */
async function verify(files: string[], options: VerifyOptions): Promise<Outcome> {
  const golden: AnyGoldenCase[] = [];
  for (const file of files) golden.push(await loadCase(file));
  if (files.length === 0) golden.push(...(await shippedCases()));
  const ofGraph = golden.find(isGraph);
  if (ofGraph && options.model === undefined) {
    throw new InputError(`${ofGraph.file} is a case of an ONNX model; give that with --model FILE.onnx.`);
  }
  if (!ofGraph && options.model !== undefined) {
    throw new InputError('--model is for golden cases of an ONNX model; none of these is one.');
  }
  const model = options.model === undefined ? null : await readModel(options.model);
  const check = async (device: Device, one: AnyGoldenCase) => {
    if (!isGraph(one)) return checkGoldenCase(device, one);
    return model ? checkGoldenGraph(device, one, model.model, model.name) : [];
  };
  return withDevice(options, async (device) => {
    const cases: CaseResult[] = [];
    for (const one of golden) {
      const quantities = await check(device, one);
      cases.push({ file: one.file, passed: quantities.every(({ passed }) => passed), quantities });
    }
    const passed = cases.every((one) => one.passed);
    const { name } = device.adapter;
    return { data: { adapter: name, passed, cases }, text: describe(name, cases), failed: !passed };
  });
}

function isGraph(one: AnyGoldenCase): one is GoldenGraphCase {
  return 'cotangents' in one;
}

async function loadCase(file: string): Promise<AnyGoldenCase> {
  const read = await readSafetensors(file);
  return isGoldenGraph(read) ? parseGoldenGraph(read, file) : parseGoldenCase(read, file);
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
