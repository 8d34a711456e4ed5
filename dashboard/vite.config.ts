/**
 * Two builds of the same sources: the app that the query API serves, and with `--mode library` the components for other
 * React apps, which bring React and Chart.js themselves.
 */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const ROOT = fileURLToPath(new URL('.', import.meta.url));
const API = process.env.FOOTFALL_API ?? 'http://127.0.0.1:8000';

export default defineConfig(({ command, mode }) => {
  // Whatever else it says: React would come in its form for development, twice as large.
  if (command === 'build') process.env.NODE_ENV = 'production';
  return {
    root: ROOT,
    // The page may lie below any path of a proxy.
    base: './',
    logLevel: 'error',
    server: { proxy: { '/api': API, '/ws': { target: API, ws: true } } },
    build:
      mode === 'library'
        ? {
            outDir: fileURLToPath(new URL('../dist/dashboard-library', import.meta.url)),
            emptyOutDir: true,
            sourcemap: true,
            lib: { entry: 'index.ts', formats: ['es'], fileName: 'index', cssFileName: 'style' },
            rolldownOptions: {
              external: /^(react|react-dom|chart\.js|react-chartjs-2|@tanstack\/react-query)(\/|$)/,
            },
          }
        : {
            manifest: 'manifest.json',
            // Addresses of data would need a policy that lets them in.
            assetsInlineLimit: 0,
            modulePreload: { polyfill: false },
          },
  };
});
