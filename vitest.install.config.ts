import { defineConfig } from 'vitest/config';

/** `npm run test:install`: the archive that would be published, installed from the registry. */
export default defineConfig({
  test: {
    include: ['test/install/registry.install.ts'],
    // Against a hang only: no machine and no network is so slow.
    testTimeout: 3_600_000,
    hookTimeout: 3_600_000,
  },
});
