import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // A process a file: chDB binds one data directory for the life of a process.
    pool: 'forks',
    isolate: true,
    maxWorkers: 2,
    include: ['**/*.test.ts'],
    exclude: ['node_modules/**'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    env: { UV_THREADPOOL_SIZE: '16', LOG_LEVEL: 'silent' },
  },
});
