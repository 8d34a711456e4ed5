/**
 * How soon does the dashboard show something, how much does it load, and does it grow while it stays open?
 *
 * The whole system with the demo's visitors, and Chromium at its dashboard. First contentful paint: LOADS times in a
 * fresh browser context, so with nothing cached, of a server that has served the page before. Memory: one page left open
 * for MINUTES on live data, looked at every SAMPLE_SECONDS after a garbage collection; the
 * first third of the samples has what is made once, and it has grown where the last one needs more than the second.
 */
import { writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { type Browser, chromium, type Page } from 'playwright-core';
import { Installation } from '../integrity/installation.ts';
import { thisMachine } from './machine.ts';
import { spread } from './ranges/statistics.ts';
import { resultFile } from './result.ts';

const LOADS = Number(process.env.LOADS ?? 15);
const MINUTES = Number(process.env.MINUTES ?? 30);
const SAMPLE_SECONDS = Number(process.env.SAMPLE_SECONDS ?? 30);
const RESULTS = resultFile('dashboard.json');
const MIB = 1024 ** 2;

interface Sample {
  minute: number;
  heap_mib: number;
  nodes: number;
  listeners: number;
}

const footfall = await Installation.create();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  await footfall.start('--demo');
  const loads = await measureLoads(browser);
  console.log(`first contentful paint: ${JSON.stringify(loads)}`);
  const memory = await measureMemory(browser);
  const { samples } = memory;
  const third = (n: number) =>
    middle(samples.slice((n * samples.length) / 3, ((n + 1) * samples.length) / 3));
  const report = {
    question: 'how soon the dashboard shows something, and whether it grows while it stays open',
    date: new Date().toISOString(),
    machine: thisMachine(),
    configuration: 'npm start -- --demo, Chromium without a display',
    minutes: MINUTES,
    loads,
    memory: { ...memory, thirds: [third(0), third(1), third(2)] },
  };
  console.log(JSON.stringify(report.memory.thirds));
  writeFileSync(RESULTS, `${JSON.stringify(report, null, 1)}\n`);
} finally {
  await browser.close();
  await footfall.remove();
}

function dashboardAddress(): string {
  return `${footfall.api}/#token=${footfall.token}`;
}

async function measureLoads(browser: Browser) {
  const paints: number[] = [];
  let loaded: { script_bytes: number; style_bytes: number } | undefined;
  for (let load = 0; load < LOADS; load++) {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(dashboardAddress());
    await page.getByRole('region', { name: 'At a glance' }).waitFor();
    paints.push(
      await page.evaluate<number>(`performance.getEntriesByName('first-contentful-paint')[0].startTime`),
    );
    loaded ??= await page.evaluate(`(() => {
      const bytes = (type) => performance.getEntriesByType('resource')
        .filter(({ name, startTime }) => name.endsWith(type) && !name.includes('time-chart'))
        .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
      return { script_bytes: bytes('.js'), style_bytes: bytes('.css') };
    })()`);
    await context.close();
  }
  // The first load warms the server.
  const [, ...warm] = paints;
  return {
    ...loaded,
    first_contentful_paint_ms: { ...spread(warm), rounds: warm.map(Math.round) },
  };
}

async function measureMemory(browser: Browser) {
  const page = await browser.newPage();
  let messages = 0;
  let requests = 0;
  page.on('websocket', (socket) => socket.on('framereceived', () => messages++));
  page.on('request', () => requests++);
  await page.goto(dashboardAddress());
  for (const region of await page.locator('.ff-panel').all()) await region.scrollIntoViewIfNeeded();
  const samples: Sample[] = [];
  const start = Date.now();
  while (Date.now() - start < MINUTES * 60_000) {
    await pause(SAMPLE_SECONDS * 1_000);
    samples.push({ minute: (Date.now() - start) / 60_000, ...(await memoryOf(page)) });
  }
  return { messages, requests, samples };
}

async function memoryOf(page: Page): Promise<Omit<Sample, 'minute'>> {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  await session.send('Performance.enable');
  const { metrics } = await session.send('Performance.getMetrics');
  await session.detach();
  const value = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? Number.NaN;
  return {
    heap_mib: Math.round((value('JSHeapUsedSize') / MIB) * 100) / 100,
    nodes: value('Nodes'),
    listeners: value('JSEventListeners'),
  };
}

function middle(samples: readonly Sample[]) {
  const p50 = (of: (sample: Sample) => number) => spread(samples.map(of)).p50;
  return {
    heap_mib: p50(({ heap_mib }) => heap_mib),
    nodes: p50(({ nodes }) => nodes),
    listeners: p50(({ listeners }) => listeners),
  };
}
