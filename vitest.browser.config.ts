import { configDefaults, defineConfig } from 'vitest/config';
import everything from './vitest.config.ts';

/** What Chromium has to show: the beacon on pages, and the dashboard. */
export default defineConfig({
  test: {
    ...everything.test,
    include: ['**/*.browser.test.ts'],
    exclude: configDefaults.exclude,
  },
});
