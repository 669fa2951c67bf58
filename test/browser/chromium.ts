import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** WebGPU on Chromium's own software adapter, which src/gpu/dawn.ts says how to hurry, and nothing that looks at the network by itself. */
export const FLAGS = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension',
];

/** The browser's program: that of `EDGEWISE_CHROMIUM`, or the first of `PATH`; null where there is none. */
export const browserPath: string | null = process.env.EDGEWISE_CHROMIUM || searchPath();

/** For a test's title: why a suite is skipped, as in `describe.skipIf(!browserPath)(`page${noBrowser}`, …)`. */
export const noBrowser = browserPath
  ? ''
  : ` (skipped: no ${NAMES.join(', ')} in PATH; EDGEWISE_CHROMIUM=/path/to/chromium names one)`;

/** Starts it, headless. Whoever starts it closes it. */
export async function launchBrowser(): Promise<Browser> {
  if (!browserPath) throw new Error(noBrowser);
  return chromium.launch({ executablePath: browserPath, args: FLAGS });
}

function searchPath(): string | null {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of NAMES) {
      const file = join(folder, name);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {}
    }
  }
  return null;
}
