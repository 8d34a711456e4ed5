import { defineConfig } from 'vitest/config';

/** The long runs: processes are killed again and again under load. */
export default defineConfig({
  test: {
    pool: 'forks',
    fileParallelism: false,
    include: ['integrity/**/*.integrity.ts'],
    testTimeout: 20 * 60_000,
    hookTimeout: 60_000,
  },
});
