import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CLI, PACKAGE, pack, program } from './package.js';

/** As strangers do: package managers, compilers and runtimes from the registry, the archive into empty projects. */

const TYPESCRIPTS = ['5.6', '5.9', '6', '7'];
const TFJS = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-webgpu'].map((name) => `${name}@4`);

let folder: string;
let archive: string;
/** Programs of the tools' folder. */
const tool = (path: string) => join(folder, 'tools/node_modules', path);

async function npm(where: string, ...args: string[]): Promise<void> {
  const ended = await program(where, [...args, '--no-audit', '--no-fund'], 'npm');
  if (ended.code !== 0) throw new Error(ended.stderr);
}

function emptyProject(name: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  writeFileSync(join(path, 'package.json'), '{ "private": true, "type": "module" }');
  return path;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'edgewise-registry-'));
  ({ archive } = await pack(folder));
  const compilers = TYPESCRIPTS.map((version) => `typescript-${version}@npm:typescript@${version}`);
  const judges = ['publint@0.3', '@arethetypeswrong/cli@0.18'];
  await npm(emptyProject('tools'), 'install', 'pnpm@10', 'bun@1', 'deno@2', ...judges, ...compilers);
  // Where npm runs no scripts of packages, this one has no program yet.
  await program(folder, [tool('bun/install.js')]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Installs the archive, and more from the registry. */
const MANAGERS: Record<string, (where: string, packages: readonly string[]) => Promise<unknown>> = {
  npm: (where, packages) => npm(where, 'install', archive, ...packages),
  pnpm: (where, packages) => program(where, [tool('pnpm/bin/pnpm.cjs'), 'add', archive, ...packages]),
  bun: (where, packages) => program(where, ['add', archive, ...packages], tool('.bin/bun')),
};

const TRAINING = [
  ...[
    'train',
    'shapes',
    '--out',
    'run',
    '--size',
    'tiny',
    '--width',
    '32',
    '--height',
    '32',
    '--strides',
    '8',
    '--bins',
    '5',
  ],
  ...['--images', '2', '--batch', '2', '--epochs', '1', '--evaluate-every', '0', '--no-augment'],
];

/** A strict program. With `skipLibCheck` off it leaves out TensorFlow.js, whose own declarations do not compile then. */
async function compile(where: string, version: string, skipLibCheck: boolean): Promise<string> {
  const entries = Object.keys(PACKAGE.exports).filter((entry) => !entry.endsWith('.json'));
  const used = entries.filter((entry) => skipLibCheck || entry !== './tfjs');
  writeFileSync(
    join(where, 'consumer.ts'),
    [
      ...used.map((entry, i) => `import * as e${i} from '${join('edgewise', entry)}';`),
      "import { openDevice } from 'edgewise';",
      'const { gpu } = await openDevice();',
      'const same: GPUDevice = gpu;',
      'export const buffer: GPUBuffer = same.createBuffer({ size: 4, usage: 1 });',
      `export const all = [${used.map((_, i) => `e${i}`)}];`,
    ].join('\n'),
  );
  const options = { strict: true, exactOptionalPropertyTypes: true, skipLibCheck, noEmit: true, types: [] };
  const compilerOptions = { ...options, target: 'es2022', module: 'nodenext' };
  writeFileSync(join(where, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }));
  return (await program(where, [tool(`typescript-${version}/bin/tsc`)])).stdout;
}

test.each([
  ['publint', 'publint/src/cli.js', ['--strict']],
  ['attw', '@arethetypeswrong/cli/dist/index.js', ['--profile', 'esm-only']],
])('%s has nothing to say', async (_, path, args) => {
  const { code, stdout } = await program(folder, [tool(path), archive, ...args]);
  expect(code, stdout).toBe(0);
});

describe.each(Object.keys(MANAGERS))('%s', (manager) => {
  let where: string;
  beforeAll(async () => {
    where = emptyProject(manager);
    await MANAGERS[manager](where, TFJS);
    expect(existsSync(join(where, CLI))).toBe(true);
  });

  test('verifies itself', async () => {
    const { code, stdout } = await program(where, [CLI, 'verify']);
    expect(stdout).toMatch(/\n3 cases passed\n$/);
    expect(code).toBe(0);
  });

  test('trains', async () => {
    expect((await program(where, [CLI, ...TRAINING])).code).toBe(0);
    expect(existsSync(join(where, 'run/checkpoint.safetensors'))).toBe(true);
  });

  test.each(TYPESCRIPTS)('compiles with TypeScript %s', async (version) => {
    expect(await compile(where, version, false)).toBe('');
    if (manager === 'npm') expect(await compile(where, version, true)).toBe('');
  });
});

describe.each(['auto', 'embedded'])('the adapter %s', (adapter) => {
  test.skipIf(adapter === 'embedded' && `${process.platform} ${process.arch}` !== 'linux x64').each([
    ['Bun', '.bin/bun', ['run']],
    ['Deno', '.bin/deno', ['run', '--allow-all']],
  ])('%s: golden cases pass', async (_, command, args) => {
    const { code, stdout } = await program(
      join(folder, 'npm'),
      [...args, CLI, 'verify', '--adapter', adapter],
      tool(command),
    );
    expect(stdout).toMatch(/\n3 cases passed\n$/);
    expect(code).toBe(0);
  });
});
