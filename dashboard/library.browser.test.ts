import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Installation } from '../integrity/installation.ts';
import { CHROMIUM } from './dashboard.fixture.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PACKAGES = ['react', 'react-dom', '@types/react', '@types/react-dom', 'csstype'];
const TYPES = { html: 'text/html', js: 'text/javascript', css: 'text/css' };
const run = promisify(execFile);

/** As the components have been used so far, and with the API of another origin. */
const APP = `
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import analytics, {
  AnalyticsProvider, createVisitorAnalyticsAPI, DivisionBreakdown, RealtimeVisitorCounter, useAuth,
  VisitorAnalyticsDashboard, VisitorStatsCard, VisitorTrendsChart, visitorAnalyticsAPI,
} from 'footfall/dashboard';
import 'footfall/dashboard/style.css';

const given = new URLSearchParams(location.hash.slice(1));
const api = createVisitorAnalyticsAPI({
  baseUrl: given.get('api') ?? '',
  getToken: () => given.get('token') ?? undefined,
});
const same: boolean = analytics === visitorAnalyticsAPI;

function CustomDashboard() {
  const { user } = useAuth();
  const trends = { labels: ['2025-01-01', '2025-01-02'], total: [100, 150], authenticated: [60, 90], anonymous: [40, 60], new: [10, 20], returning: [90, 130] };
  const divisions = [{ division_id: 'ny', division_name: 'New York', division_type: 'city', count: 1500, percentage: 25.3 }];
  return (
    <div className="ff">
      <p>{same && user?.is_staff ? 'staff' : 'nobody'}</p>
      <VisitorStatsCard title="Total Visitors" value={1234} change={15.3} />
      <VisitorTrendsChart data={trends} type="line" />
      <DivisionBreakdown data={divisions} />
      <RealtimeVisitorCounter />
    </div>
  );
}

export async function save(): Promise<Blob> {
  const stats = await api.getVisitors({ start_date: '2025-01-01', end_date: '2025-12-31' });
  const total: number = stats.total_visitors;
  // @ts-expect-error there is no such interval
  await api.getTrends({ interval: 'decade' });
  return total > 0 ? api.exportCSV({ start_date: '2025-01-01', end_date: '2025-12-31' }) : new Blob();
}

createRoot(document.getElementById('root') ?? document.body).render(
  <StrictMode>
    <AnalyticsProvider api={api}><CustomDashboard /><VisitorAnalyticsDashboard /></AnalyticsProvider>
  </StrictMode>,
);
`;
const PAGE =
  '<!doctype html><title>Host</title><div id="root"></div><script type="module" src="./app.tsx"></script>';
const SETTINGS = {
  compilerOptions: {
    jsx: 'react-jsx',
    strict: true,
    exactOptionalPropertyTypes: true,
    module: 'ESNext',
    moduleResolution: 'bundler',
    target: 'ES2023',
    lib: ['ES2023', 'DOM', 'DOM.Iterable'],
    types: [],
    skipLibCheck: true,
    noEmit: true,
    noUncheckedSideEffectImports: false,
  },
  include: ['app.tsx'],
};

describe('the components, in another React app', () => {
  let folder: string;

  beforeAll(async () => {
    await run('npm', ['run', '--silent', 'build:library'], { cwd: ROOT });
    folder = await mkdtemp(join(tmpdir(), 'footfall-host-'));
    for (const name of PACKAGES) {
      await mkdir(join(folder, 'node_modules', name, '..'), { recursive: true });
      await symlink(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
    }
    await symlink(ROOT, join(folder, 'node_modules', 'footfall'));
    await writeFile(join(folder, 'app.tsx'), APP);
    await writeFile(join(folder, 'index.html'), PAGE);
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(SETTINGS));
  }, 120_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('have types', async () => {
    await run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', folder]).catch(
      (error) => {
        throw new Error(error.stdout);
      },
    );
  });

  test.skipIf(!existsSync(CHROMIUM))('show the numbers of an API elsewhere', async () => {
    await run(
      process.execPath,
      [join(ROOT, 'node_modules/vite/bin/vite.js'), 'build', '--base', './', folder],
      { cwd: folder },
    );
    const server = serve(join(folder, 'dist'));
    const origin = await listen(server);
    const footfall = await Installation.create({ CORS_ALLOWED_ORIGINS: origin });
    const browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--no-sandbox', '--disable-gpu'],
    });
    try {
      await footfall.start();
      const page = await browser.newPage();
      const complaints: string[] = [];
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
      page.on('pageerror', (error) => complaints.push(error.message));
      await page.goto(`${origin}/index.html#api=${footfall.api}/api/analytics/&token=${footfall.token}`);
      await page.getByRole('region', { name: 'Total Visitors' }).getByText('1,234').waitFor();
      await page.getByText('+15.3%').waitFor();
      await page.getByText('New York').waitFor();
      await page.getByRole('region', { name: 'At a glance' }).waitFor();
      await expect.poll(() => page.getByText('live', { exact: true }).count()).toBe(2);
      expect(complaints).toEqual([]);
    } finally {
      await browser.close();
      await footfall.remove();
      server.closeAllConnections();
      server.close();
    }
  });
});

function serve(folder: string): Server {
  return createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://host');
    const body = await readFile(join(folder, pathname)).catch(() => undefined);
    const type = Object.entries(TYPES).find(([ending]) => extname(pathname) === `.${ending}`)?.[1];
    if (body === undefined) response.writeHead(204).end();
    else response.writeHead(200, { 'Content-Type': type ?? 'application/octet-stream' }).end(body);
  });
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
}
