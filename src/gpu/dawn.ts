/** Finding an adapter in Node, through Dawn. Kept apart so that a browser never loads it. */

import { readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { DeviceError } from '../util/error.js';
import { missingPackage } from '../util/missingPackage.js';
import { unpackSwiftShader } from './embedded.js';
import {
  type AdapterKind,
  type AdapterPreference,
  type FoundAdapter,
  foundAdapter,
  isSoftware,
  nameOf,
} from './foundAdapter.js';
import { environment, loadLibrary } from './native.js';

type Dawn = typeof import('webgpu');

/** The Vulkan loader reads these when an instance is made: the new name, and the one before loader 1.3.207. */
const DRIVER_VARIABLES = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES'] as const;

/** Bit masks that host code needs as globals, as in a browser. The interfaces stay out of `globalThis`. */
const MASKS = ['GPUBufferUsage', 'GPUMapMode', 'GPUShaderStage'] as const;

const VULKAN_LOADER = 'libvulkan.so.1';
/** A function of it. */
const VULKAN_FUNCTION = 'vkGetInstanceProcAddr';

/** Dawn rounds timestamps to 0.1 ms against side channels between web pages; kernels take less than that. */
const QUANTIZATION = 'timestamp_quantization';
/**
 * Who fills workgroup memory with zeros. SwiftShader writes out a store for each element, which it compiles for seconds where a kernel has
 * thousands; without, Dawn's own loop does it.
 */
const ZEROS_BY_DRIVER = 'use_vulkan_zero_initialize_workgroup_memory_extension';
/**
 * Lets adapters offer experimental features. A device has those alone that it is requested with: subgroup matrices (adapter.ts).
 */
const EXPERIMENTS = 'allow_unsafe_apis';
/**
 * Dawn hides f16 on NVIDIA's GPUs, since some of WebGPU's conformance tests of it failed there (crbug.com/42251215). Only `--precision f16` and the
 * like use it.
 */
const HALF_ON_NVIDIA = 'vulkan_enable_f16_on_nvidia';

/**
 * Dawn's instances by the drivers they see, kept for the life of the process. Dawn's event pump points into the
 * instance without owning it: an instance collected as garbage while an adapter, a device or a buffer of it still
 * lives, even a destroyed one, crashes the process (webgpu 0.6.2). A kept instance does not stop Node from exiting.
 */
const instances = new Map<string, GPU>();

/** Whether the system has a Vulkan loader; found out once, because the embedded loader takes its name. */
let systemLoader: Promise<boolean> | undefined;

/** How to get an adapter. Dawn rejects Mesa 22.3 (Debian 12) and takes 25.0. */
const REMEDIES: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  linux: [
    "  the graphics card's own driver, with Vulkan",
    '  the Vulkan loader and Mesa with its software driver: apt install libvulkan1 mesa-vulkan-drivers',
    '    (Debian 12: apt install -t bookworm-backports libvulkan1 mesa-vulkan-drivers; its own Mesa 22.3 is too old)',
    '  or, on Linux x64, ask for auto or embedded: SwiftShader comes with this package',
  ],
  darwin: [
    '  a Mac whose GPU has Metal, or in a virtual machine a GPU that is passed in',
    '  Linux x64, for example in a container: SwiftShader comes with this package',
  ],
  win32: [
    "  the graphics card's own driver, with Direct3D 12 or Vulkan",
    '  WSL 2: for Linux x64, SwiftShader comes with this package',
  ],
};

/**
 * Finds an adapter in Node. `auto` takes the system's best (hardware before software), then SwiftShader.
 *
 * @throws DeviceError when there is none, with every attempt's reason and the remedies
 */
export async function findNodeAdapter(preference: AdapterPreference): Promise<FoundAdapter> {
  const dawn = await loadDawn();
  const reasons: string[] = [];
  const attempt = async (name: string, find: () => Promise<FoundAdapter>) => {
    try {
      return await find();
    } catch (thrown) {
      reasons.push(`  ${name}: ${(thrown as Error).message}`);
      return undefined;
    }
  };

  let found: FoundAdapter | undefined;
  if (preference === 'auto') found = await attempt('hardware and software', () => systemAdapter(dawn));
  if (preference === 'hardware') found = await attempt('hardware', () => hardwareAdapter(dawn));
  if (preference === 'software') found = await attempt('software', () => softwareAdapter(dawn));
  if (!found && (preference === 'auto' || preference === 'embedded')) {
    found = await attempt('embedded', () => embeddedAdapter(dawn));
  }
  if (found) return found;
  const remedies = REMEDIES[process.platform] ?? ['  Linux x64: SwiftShader comes with this package'];
  throw new DeviceError(
    [`No WebGPU adapter was found (asked for: ${preference}).`, ...reasons, 'To get one, use any of', ...remedies].join(
      '\n',
    ),
  );
}

async function loadDawn(): Promise<Dawn> {
  let dawn: Dawn;
  try {
    dawn = await import('webgpu');
  } catch (cause) {
    const what = 'which is WebGPU for Linux (glibc), macOS and Windows';
    throw new DeviceError(missingPackage('webgpu', what, cause), { cause });
  }
  const globals = dawn.globals as Record<string, unknown>;
  for (const name of MASKS) if (!(name in globalThis)) Object.assign(globalThis, { [name]: globals[name] });
  return dawn;
}

/** The best adapter of the drivers that the system, or the user's own `VK_DRIVER_FILES`, offers. */
async function systemAdapter(dawn: Dawn): Promise<FoundAdapter> {
  // Asked first because Dawn writes a warning to stderr where the loader is missing.
  if (process.platform === 'linux' && !(await hasSystemLoader())) {
    throw new DeviceError(`the Vulkan loader, ${VULKAN_LOADER}, is not installed`);
  }
  const found = await openAdapter(dawn, 'hardware');
  if (!found) {
    if (process.platform !== 'linux') throw new DeviceError('the system offers no adapter that Dawn accepts');
    const drivers = driversOfUser() ?? systemDrivers().join(', ');
    throw new DeviceError(
      `Vulkan offers no adapter that Dawn accepts (drivers: ${drivers || `none in ${driverFolders().join(', ')}`})`,
    );
  }
  if (!isSoftware(found.adapter.info)) return found;
  const lavapipe = found.source.includes('llvmpipe') ? systemDrivers().find(isLavapipe) : undefined;
  return Object.assign(found, { kind: 'software', source: driversOfUser() ?? lavapipe ?? found.source } as const);
}

async function hardwareAdapter(dawn: Dawn): Promise<FoundAdapter> {
  const found = await systemAdapter(dawn);
  if (found.kind === 'hardware') return found;
  throw new DeviceError(`the only adapter is a software one (${nameOf(found.adapter.info)})`);
}

async function softwareAdapter(dawn: Dawn): Promise<FoundAdapter> {
  const found = await systemAdapter(dawn);
  if (found.kind === 'software') return found;
  // Dawn answers with the hardware first: to get past it, leave only lavapipe to the loader.
  for (const manifest of systemDrivers().filter(isLavapipe)) {
    const lavapipe = await openAdapter(dawn, 'software', manifest);
    if (lavapipe) return Object.assign(lavapipe, { source: manifest });
  }
  throw new DeviceError(
    `there is only hardware (${nameOf(found.adapter.info)}); no lavapipe driver that Dawn accepts ` +
      `(lvp_icd*.json) in ${driverFolders().join(', ')}`,
  );
}

async function embeddedAdapter(dawn: Dawn): Promise<FoundAdapter> {
  const files = await unpackSwiftShader();
  if (!(await hasSystemLoader()) && !(await loadLibrary(files.loader, VULKAN_FUNCTION))) {
    throw new DeviceError(`${files.loader} does not load: is its folder on a file system mounted noexec?`);
  }
  const found = await openAdapter(dawn, 'embedded', files.manifest);
  if (found?.adapter.info.architecture !== 'swiftshader') {
    // Unless it shares it, a worker thread has a copy of process.env, which the Vulkan loader does not see.
    throw new DeviceError(
      `Vulkan did not take the driver ${files.manifest}` +
        (found || !isMainThread ? ' (in a worker thread: make it with { env: SHARE_ENV } of node:worker_threads)' : ''),
    );
  }
  return Object.assign(found, { source: files.source });
}

/**
 * Opens Dawn's first adapter, optionally with one driver manifest only. The environment is as before when this
 * returns: Dawn makes its Vulkan instance inside the call of `requestAdapter`, before its promise resolves.
 */
async function openAdapter(dawn: Dawn, kind: AdapterKind, manifest?: string): Promise<FoundAdapter | undefined> {
  const drivers = manifest ?? driversOfUser() ?? '';
  const toggles =
    kind === 'embedded'
      ? [`disable-dawn-features=${QUANTIZATION},${ZEROS_BY_DRIVER}`]
      : [`disable-dawn-features=${QUANTIZATION}`, `enable-dawn-features=${EXPERIMENTS},${HALF_ON_NVIDIA}`];
  const gpu = instances.get(drivers) ?? dawn.create(toggles);
  instances.set(drivers, gpu);
  const setVariable = await environment();
  const before = DRIVER_VARIABLES.map((name) => process.env[name]);
  let pending: Promise<GPUAdapter | null>;
  try {
    if (manifest) for (const name of DRIVER_VARIABLES) setVariable(name, manifest);
    pending = gpu.requestAdapter({ powerPreference: 'high-performance' });
  } finally {
    for (const [i, name] of DRIVER_VARIABLES.entries()) setVariable(name, before[i]);
  }
  const adapter = await pending;
  if (!adapter) return undefined;
  return foundAdapter(gpu, adapter, kind, nameOf(adapter.info));
}

function hasSystemLoader(): Promise<boolean> {
  systemLoader ??= loadLibrary(VULKAN_LOADER, VULKAN_FUNCTION);
  return systemLoader;
}

function driversOfUser(): string | undefined {
  return process.env.VK_DRIVER_FILES || process.env.VK_ICD_FILENAMES || undefined;
}

function isLavapipe(manifest: string): boolean {
  return /lvp_icd[^/]*\.json$/.test(manifest);
}

/** The driver manifests of the system, in the loader's order. */
function systemDrivers(): string[] {
  return driverFolders().flatMap((folder) => {
    try {
      const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
      return names.sort().map((name) => join(folder, name));
    } catch {
      return []; // Most of the folders do not exist on any one system.
    }
  });
}

/** Where the Vulkan loader looks for drivers on Linux: https://github.com/KhronosGroup/Vulkan-Loader LoaderDriverInterface.md */
function driverFolders(): string[] {
  const { env } = process;
  const list = (value: string | undefined, otherwise: string) => (value || otherwise).split(':').filter(Boolean);
  const roots = [
    env.XDG_CONFIG_HOME || join(homedir(), '.config'),
    ...list(env.XDG_CONFIG_DIRS, '/etc/xdg'),
    '/etc',
    env.XDG_DATA_HOME || join(homedir(), '.local/share'),
    ...list(env.XDG_DATA_DIRS, '/usr/local/share:/usr/share'),
  ];
  return [...new Set(roots)].map((root) => join(root, 'vulkan/icd.d'));
}
