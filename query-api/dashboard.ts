/** The dashboard, at `/`: a page that runs only its own scripts and talks only to this server. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { serveStatic } from '@hono/node-server/serve-static';
import type { Hono } from 'hono';
import { compress } from 'hono/compress';
import type { Env } from './app.ts';
import { policy } from './headers.ts';

const FOLDER = fileURLToPath(new URL('../dist/dashboard', import.meta.url));
/** `/unauthorized` is where the page sends those whose token does not allow it. */
const PAGES = ['/', '/unauthorized'];

const POLICY = policy(
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "require-trusted-types-for 'script'",
);

const PAGE_HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': POLICY,
  'Cache-Control': 'no-cache',
};

/** @throws where the dashboard has not been built */
export function addDashboard(app: Hono<Env>): void {
  const page = readFileSync(`${FOLDER}/index.html`, 'utf8');
  for (const path of PAGES) app.get(path, () => new Response(page, { headers: PAGE_HEADERS }));
  app.use('/assets/*', compress());
  app.get(
    '/assets/*',
    serveStatic({
      root: FOLDER,
      // Each has the hash of its content in its name.
      onFound: (_path, c) => c.header('Cache-Control', 'public, max-age=31536000, immutable'),
    }),
  );
}
