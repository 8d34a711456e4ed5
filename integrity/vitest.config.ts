import { defineConfig } from 'vitest/config';

/** The long runs: processes are killed again and again under load, and volume. */
export default defineConfig({
  test: {
    pool: 'forks',
    fileParallelism: false,
    include: ['**/*.integrity.ts'],
    testTimeout: 20 * 60_000,
    hookTimeout: 120_000,
    env: { UV_THREADPOOL_SIZE: '16' },
  },
});
