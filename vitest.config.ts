import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // A process a file: chDB binds one data directory for the life of a process.
    pool: 'forks',
    isolate: true,
    maxWorkers: 2,
    include: ['**/*.test.ts'],
    exclude: ['node_modules/**'],
    // Only for tests that hang: machines may be many times slower than the one where they were written.
    testTimeout: 90_000,
    hookTimeout: 120_000,
    env: { UV_THREADPOOL_SIZE: '16', LOG_LEVEL: 'silent' },
  },
});
