import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // A process a file: chDB binds one data directory for the life of a process.
    pool: 'forks',
    isolate: true,
    maxWorkers: 2,
    include: ['**/*.test.ts'],
    // Those of browsers have a run of their own: vitest.browser.config.ts.
    exclude: [...configDefaults.exclude, '**/*.browser.test.ts'],
    // Only for tests that hang: machines may be many times slower than the one where they were written.
    testTimeout: 90_000,
    hookTimeout: 120_000,
    env: { UV_THREADPOOL_SIZE: '16', LOG_LEVEL: 'silent' },
  },
});
