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
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
