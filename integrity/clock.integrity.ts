/** The promise: beacons of a collector whose clock steps are counted once, on the day that its clock says. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterEach, expect } from 'vitest';
import type { Trends, VisitorStats } from '../contract/query.ts';
import { type Collector, startCollector } from '../ingest/collector.ts';
import { openLogWithSpool } from '../kafka/open.ts';
import type { EventLog } from '../kafka/port.ts';
import { openLive } from '../redis/open.ts';
import { itWithStack } from '../stack.fixture.ts';
import { World } from './world.ts';

const HOUR = 3_600_000;
const USER_AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';

let world: World | undefined;
let collector: Collector | undefined;
let log: EventLog | undefined;
afterEach(async () => {
  await collector?.close();
  await log?.close();
  await world?.remove();
});

itWithStack('a clock that steps by an hour, forth and back, loses no beacon and repeats none', async () => {
  world = await World.create();
  const { fleet, stack } = world;
  await fleet.start();
  let stepMs = 0;
  log = await openLogWithSpool(
    `kafka://${stack.address('STACK_KAFKA')}`,
    { partitions: 8, retentionMs: 24 * HOUR, retentionBytes: 1e9, maxBytes: 1e10 },
    { folder: join(fleet.folder, 'spool-of-the-test'), maxBytes: 1e8 },
  );
  collector = await startCollector({
    config: { host: '127.0.0.1', ingestPort: 0, trustedProxies: [], respectDnt: true, ingestRateLimit: 0 },
    log,
    live: await openLive('memory://'),
    fingerprintSecret: 'of the test',
    script: { code: '', etag: '"1"' },
    metrics: new Registry(),
    logger: pino({ level: 'silent' }),
    now: () => Date.now() + stepMs,
  });
  const [steady] = fleet.of('ingest');
  const stepping = `http://127.0.0.1:${collector.port}`;
  let sent = 0;
  const send = async (url: string, visitor: number, event_id: string) => {
    const beacon = { url: '/clock', fingerprint: `visitor ${visitor}`, event_id };
    const answer = await fetch(`${url}/e`, {
      method: 'POST',
      headers: { 'Content-Type': 'text/plain', 'User-Agent': USER_AGENT },
      body: JSON.stringify(beacon),
    });
    expect(answer.status).toBe(202);
  };
  const today = new Date().toISOString().slice(0, 10);
  const dayOfSteps = new Set<string>();
  for (const step of [0, HOUR, -HOUR, 0, 25 * HOUR]) {
    stepMs = step;
    dayOfSteps.add(new Date(Date.now() + step).toISOString().slice(0, 10));
    for (let visitor = 0; visitor < 40; visitor++) {
      const id = randomUUID();
      await send(stepping, visitor, id);
      // The same beacon again by the same clock, as of a sender that got no answer.
      await send(stepping, visitor, id);
      await send(steady?.url ?? '', visitor, randomUUID());
      sent += 2;
    }
  }
  const ledger = await fleet.counted(120_000);
  const total = (name: 'accepted' | 'duplicate' | 'stored' | 'in_views') =>
    ledger.hours.reduce((sum, hour) => sum + hour[name], 0);
  const last = [...dayOfSteps].sort().at(-1) ?? today;
  const stats = await fleet.query<VisitorStats>(
    `visitors/?start_date=${[...dayOfSteps].sort()[0]}&end_date=${last}`,
  );
  expect(stats).toMatchObject({ total_page_views: sent });
  const trends = await fleet.query<Trends>(`trends/?interval=day&start_date=${last}&end_date=${last}`);
  // Of the last step alone, a day and an hour ahead.
  expect(trends.total.at(-1)).toBeGreaterThanOrEqual(40);
  expect(total('stored')).toBeLessThanOrEqual(sent);
  console.log(JSON.stringify({ sent, accepted: total('accepted'), duplicate: total('duplicate'), stats }));
});
