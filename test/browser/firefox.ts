import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineBrowserProvider } from '@vitest/browser';

/** WebGPU on any adapter, and nothing that asks or looks at the network by itself. */
const PREFERENCES = {
  'dom.webgpu.enabled': true,
  'gfx.webgpu.ignore-blocklist': true,
  // A page that computes for minutes is no accident here.
  'dom.max_script_run_time': 0,
  'app.update.enabled': false,
  'browser.aboutwelcome.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'toolkit.telemetry.reportingpolicy.firstRun': false,
};

/**
 * Opens the tests in the user's own Firefox, which Playwright cannot drive: headless, with a profile of its own.
 * @param program the browser's, such as `firefox`
 */
export const firefox = (program: string) =>
  defineBrowserProvider({
    name: 'firefox',
    supportedBrowser: ['firefox'],
    options: {},
    providerFactory: () => {
      let browser: ChildProcess | undefined;
      let profile: string | undefined;
      return {
        name: 'firefox',
        supportsParallelism: false,
        getCommandsContext: () => ({}),
        async openPage(_, url) {
          if (browser) throw new Error('one page at a time');
          profile = await mkdtemp(join(tmpdir(), 'edgewise-firefox-'));
          const lines = Object.entries(PREFERENCES).map(
            (entry) => `user_pref(${JSON.stringify(entry).slice(1, -1)});\n`,
          );
          await writeFile(join(profile, 'user.js'), lines.join(''));
          browser = spawn(program, ['--headless', '--no-remote', '--profile', profile, url], { stdio: 'ignore' });
          await once(browser, 'spawn');
        },
        async close() {
          if (browser && browser.exitCode === null && browser.signalCode === null) {
            const ended = once(browser, 'exit');
            browser.kill();
            await ended;
          }
          if (profile) await rm(profile, { recursive: true, force: true, maxRetries: 5 });
        },
      };
    },
  });
