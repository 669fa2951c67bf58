import { defineConfig } from 'vitest/config';
import { viteJsonSchema } from './scripts/jsonSchema.js';
import { viteWgsl } from './scripts/wgsl.js';

export default defineConfig({
  plugins: [viteWgsl(), viteJsonSchema()],
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // A software adapter uses every core by itself; two files at once keep both busy while one compiles.
    maxWorkers: 2,
    // Against a hang only: no machine is so slow.
    testTimeout: 3_600_000,
    hookTimeout: 3_600_000,
  },
});
