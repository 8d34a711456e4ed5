/** The promise: beacons of a collector whose clock steps are counted once, on the day that its clock says. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { createClient } from '@clickhouse/client';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterEach, expect } from 'vitest';
import { type Collector, startCollector } from '../ingest/collector.ts';
import { openLogWithSpool } from '../kafka/open.ts';
import type { EventLog } from '../kafka/port.ts';
import { openLive } from '../redis/open.ts';
import { itWithStack } from '../stack.fixture.ts';
import { SECRET } from './fleet.ts';
import { until } from './installation.ts';
import { analyticsFigures, sessionFigures } from './stores.ts';
import { World } from './world.ts';

const HOUR = 3_600_000;
const VISITORS = 40;
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
  const { fleet, front, stack } = world;
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
    fingerprintSecret: SECRET,
    script: { code: '', etag: '"1"' },
    metrics: new Registry(),
    logger: pino({ level: 'silent' }),
    now: () => Date.now() + stepMs,
  });
  const [steady] = fleet.of('ingest');
  const stepping = `http://127.0.0.1:${collector.port}`;
  /** Beacons by the day that the clock of their collector said. */
  const sent = new Map<string, number>();
  const send = async (url: string, visitor: number, event_id: string) => {
    const beacon = { url: '/clock', fingerprint: `visitor ${visitor}`, event_id };
    const answer = await fetch(`${url}/e`, {
      method: 'POST',
      headers: { 'Content-Type': 'text/plain', 'User-Agent': USER_AGENT },
      body: JSON.stringify(beacon),
    });
    expect(answer.status).toBe(202);
  };
  // The steps are whole hours, so no day turns unless an hour does.
  await until('some minutes of an hour to be left', 90_000, () => Date.now() % HOUR < HOUR - 60_000);
  for (const step of [0, HOUR, -HOUR, 0, 25 * HOUR]) {
    stepMs = step;
    for (let visitor = 0; visitor < VISITORS; visitor++) {
      const id = randomUUID();
      await send(stepping, visitor, id);
      // The same beacon again by the same clock, as of a sender that got no answer.
      await send(stepping, visitor, id);
      await send(steady?.url ?? '', visitor, randomUUID());
      for (const instant of [Date.now() + step, Date.now()]) {
        const day = new Date(instant).toISOString().slice(0, 10);
        sent.set(day, (sent.get(day) ?? 0) + 1);
      }
    }
  }
  const beacons = [...sent.values()].reduce((sum, n) => sum + n, 0);
  const ledger = await fleet.counted(120_000);
  const clickhouse = createClient({ url: front.url });
  const byDay = await clickhouse.query({
    query: 'SELECT toString(day) AS day, count() AS events FROM footfall.event GROUP BY day',
    format: 'JSONEachRow',
  });
  const rows = await byDay.json<{ day: string; events: string }>();
  expect(new Map(rows.map(({ day, events }) => [day, Number(events)]))).toEqual(sent);
  const raw = await analyticsFigures(clickhouse);
  expect(raw).toMatchObject({ rows: beacons, eventIds: beacons, pageViews: beacons, visitors: VISITORS });
  for (const [view, { rawPageViews, rawCounted, ...derived }] of Object.entries(raw.views)) {
    expect(derived, view).toEqual({ pageViews: rawPageViews, counted: rawCounted });
  }
  const sessions = await sessionFigures(world.databaseUrl);
  expect(sessions).toEqual({ sessions: VISITORS, pageViews: beacons, conversions: 0 });
  expect(ledger.dead_letters).toBe(0);
  console.log(JSON.stringify({ acknowledged: beacons, counted: raw.rows, byDay: Object.fromEntries(sent) }));
});
