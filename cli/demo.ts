/** Lively synthetic traffic: many simulated visitors who read pages, sign in, and go, through the real collector. */
import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';
import type { Beacon } from '../contract/beacon.ts';
import { demoHistory } from './demo-history.ts';

const VISITORS_AT_ONCE = 120;
const LONGEST_STAY_MS = 60_000;
const HISTORY_DAYS = 60;
const VISITORS_A_PAST_DAY = 900;
const SHARE_SIGNING_IN = 0.2;
const SHARE_RETURNING = 0.4;

const BROWSERS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15',
  'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36',
];
const PAGES = ['/', '/news', '/events', '/forum', '/market', '/about', '/help', '/jobs', '/map', '/weather'];
/** First octets that the country database knows: mostly Canada, some others. */
const NETWORKS = [
  '24.48.0',
  '142.137.10',
  '99.224.1',
  '70.24.2',
  '8.8.8',
  '81.2.69',
  '133.11.0',
  '200.160.2',
];

/** Lines for `import`: what these visitors did before today. */
export function demoPast(now: number): Generator<string> {
  return demoHistory({
    pages: PAGES,
    // Towns come last, and have the most visitors.
    divisions: ids(DEMO_DIVISIONS).reverse(),
    communities: ids(DEMO_COMMUNITIES),
    days: HISTORY_DAYS,
    visitorsADay: VISITORS_A_PAST_DAY,
    now,
    random: Math.random,
  });
}

export const DEMO_DIVISIONS = reference('canada-divisions.csv');
export const DEMO_COMMUNITIES = reference('canada-communities.csv');

interface Place {
  divisions: string[];
  communities: string[];
}

/** Runs until `signal` aborts. Rejects only for a bug: a collector that refuses is asked again later. */
export async function runDemo(collector: string, signal: AbortSignal): Promise<void> {
  const places: Place = {
    divisions: ids(DEMO_DIVISIONS),
    communities: ids(DEMO_COMMUNITIES),
  };
  const known: string[] = [];
  setMaxListeners(0, signal);
  const visitors = Array.from({ length: VISITORS_AT_ONCE }, async () => {
    await rest(20_000, signal);
    while (!signal.aborted) await visit(collector, places, known, signal);
  });
  await Promise.all(visitors);
}

async function visit(collector: string, places: Place, known: string[], signal: AbortSignal): Promise<void> {
  const returning = known.length > 0 && Math.random() < SHARE_RETURNING;
  const fingerprint = (returning ? pick(known) : undefined) ?? randomUUID();
  if (!returning) known.push(fingerprint);
  const home = Number.parseInt(fingerprint.slice(0, 8), 16);
  const userAgent = BROWSERS[home % BROWSERS.length] ?? '';
  const address = `${NETWORKS[home % NETWORKS.length]}.${(home % 250) + 1}`;
  const divisionId = places.divisions[home % Math.max(1, places.divisions.length)];
  const communityId = pick(places.communities);
  const sessionId = randomUUID();
  let userId: string | undefined;

  const send = async (type: Beacon['type'], page: string) => {
    const beacon = {
      type,
      url: `https://example.org${page}`,
      fingerprint,
      session_id: sessionId,
      user_id: userId,
      community_id: communityId,
      division_id: divisionId,
      event_id: randomUUID(),
    };
    const headers = { 'Content-Type': 'text/plain', 'User-Agent': userAgent, 'X-Forwarded-For': address };
    const answer = await fetch(`${collector}/e`, {
      method: 'POST',
      headers,
      body: JSON.stringify(beacon),
      signal,
    });
    await answer.arrayBuffer();
  };

  try {
    let page = '/';
    const views = 1 + Math.floor(Math.random() * 8);
    for (let view = 0; view < views; view += 1) {
      page = PAGES[Math.floor(PAGES.length * Math.random() ** 2)] ?? '/';
      await send('page_view', page);
      await rest(LONGEST_STAY_MS, signal);
      if (userId === undefined && Math.random() < SHARE_SIGNING_IN / views) {
        userId = `user-${fingerprint.slice(0, 8)}`;
        await send('identify', page);
      }
    }
    await send('leave', page);
    await rest(10_000, signal);
  } catch (error) {
    if (!signal.aborted && error instanceof TypeError) await rest(5_000, signal);
    else if (!signal.aborted) throw error;
  }
}

/** Up to `longestMs`, or until the signal. */
async function rest(longestMs: number, signal: AbortSignal): Promise<void> {
  try {
    await pause(Math.random() * longestMs, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function pick<T>(from: readonly T[]): T | undefined {
  return from[Math.floor(Math.random() * from.length)];
}

function reference(file: string): string {
  return fileURLToPath(new URL(`../postgres/reference/${file}`, import.meta.url));
}

function ids(file: string): string[] {
  const rows: { id: string }[] = parse(readFileSync(file), { columns: true });
  return rows.map(({ id }) => id);
}
