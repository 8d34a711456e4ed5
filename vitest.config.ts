import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';

const STAND_IN = fileURLToPath(new URL('./bench/k6/stand-in/', import.meta.url));

export default defineConfig({
  resolve: {
    // Only k6 has its modules.
    alias: [
      { find: /^k6$/, replacement: `${STAND_IN}k6.fixture.ts` },
      { find: /^k6\/(\w+)$/, replacement: `${STAND_IN}$1.fixture.ts` },
    ],
  },
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
