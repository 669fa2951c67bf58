import { createRequire } from 'node:module';
import type { Command } from 'commander';
import { version } from '../../package.json';
import type { Device } from '../tensor/device.js';
import { type AdapterOptions, addDeviceOptions, type Outcome, prints, withDevice } from './command.js';
import { type SelfTestResult, selfTest } from './selfTest.js';
import { table } from './table.js';

/** What Dawn takes by itself on each system. */
const BACKENDS: Partial<Record<NodeJS.Platform, string>> = { linux: 'Vulkan', darwin: 'Metal', win32: 'Direct3D 12' };

interface Examination {
  adapter: string;
  kind: string;
  backend: string;
  source: string;
  /** File of `edgewise tune` whose choices are used; null: defaults. */
  tuning: string | null;
  versions: Record<string, string>;
  platform: string;
  features: string[];
  limits: Record<string, number>;
  selfTest: SelfTestResult;
}

/** `edgewise doctor` */
export function addDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .description('show the WebGPU adapter, its limits and where its driver comes from, and test it');
  prints(addDeviceOptions(command), (options: AdapterOptions) => withDevice(options, examine));
}

async function examine(device: Device): Promise<Outcome> {
  const test = await selfTest(device);
  const { name, kind, source } = device.adapter;
  const { limits, features } = device.gpu;
  const data: Examination = {
    adapter: name,
    kind,
    backend: BACKENDS[process.platform] ?? process.platform,
    source,
    tuning: device.tuningFile,
    versions: { edgewise: version, webgpu: webgpuVersion(), node: process.versions.node },
    platform: `${process.platform} ${process.arch}`,
    features: [...features].sort(),
    limits: limitsOf(limits),
    selfTest: test,
  };
  return { data, text: describe(data), failed: !test.passed };
}

/** The limits are accessors of the prototype, which spreading would miss. */
function limitsOf(limits: GPUSupportedLimits): Record<string, number> {
  const found: Record<string, number> = {};
  for (const name in limits) {
    const value = limits[name as keyof GPUSupportedLimits];
    if (typeof value === 'number') found[name] = value;
  }
  return found;
}

function webgpuVersion(): string {
  return createRequire(import.meta.url)('webgpu/package.json').version;
}

function describe({ versions, features, limits, selfTest: test, ...adapter }: Examination): string {
  const heading = Object.entries({
    ...adapter,
    tuning: adapter.tuning ?? 'none, default variants; edgewise tune measures them',
    versions: Object.entries(versions)
      .map(([name, number]) => `${name} ${number}`)
      .join(', '),
    features: features.join(', ') || 'none',
  }).map(([name, value]) => `${`${name}:`.padEnd(10)}${value}`);
  const checks = test.checks.map(({ name, passed, milliseconds, detail }) => [
    `  ${name}`,
    passed ? 'passed' : 'FAILED',
    `${milliseconds.toFixed(0)} ms`,
    detail,
  ]);
  return [
    heading.join('\n'),
    `limits:\n${table(Object.entries(limits).map(([name, value]) => [`  ${name}`, String(value)]))}`,
    `self-test: ${test.passed ? 'passed' : 'FAILED'} in ${test.milliseconds.toFixed(0)} ms (compiling included)\n${table(checks)}`,
  ].join('\n\n');
}
